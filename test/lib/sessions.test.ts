// The stack of a company whose pages tell of visits.
import { Synthesized } from './synthesized.ts';

const stack = new Synthesized(
  {
    portalId: '48221593',
    model: 'models/b2b-saas.yaml',
    timeZone: 'Europe/Berlin',
    sessions: { origins: ['https://www.example.com', 'https://app.example.com'], ratePerSecond: 35 },
  },
  { name: 'a model', attribution: { models: ['linear'] } },
);
const [api] = stack.ofType('AWS::ApiGatewayV2::Api');
const [stage] = stack.ofType('AWS::ApiGatewayV2::Stage');

test('takes what they post without a signature, by ingest', () => {
  const route = stack
    .ofType('AWS::ApiGatewayV2::Route')
    .find(({ Properties }) => Properties.RouteKey === 'POST /sessions');

  expect(route?.Properties.AuthorizationType).toBe('NONE');
  expect(route && stack.render(route.Properties.Target)).toContain('Ingest/Api');
});

test('lets browsers post from these origins, text or JSON, and read nothing else', () => {
  expect(api?.Properties.CorsConfiguration).toEqual({
    AllowOrigins: ['https://www.example.com', 'https://app.example.com'],
    AllowMethods: ['POST'],
    AllowHeaders: ['content-type'],
    MaxAge: 3600,
  });
  expect(stack.environmentOf('Ingest/Function')['SESSION_ORIGINS']).toBe(
    'https://www.example.com,https://app.example.com',
  );
});

test('throttles them apart from what is signed, and not before the route is there', () => {
  expect(stage?.Properties.RouteSettings).toEqual({
    'POST /sessions': { ThrottlingRateLimit: 35, ThrottlingBurstLimit: 70 },
  });
  expect(stage?.Properties.DefaultRouteSettings).toEqual({
    ThrottlingRateLimit: 200,
    ThrottlingBurstLimit: 400,
  });
  const awaited: string[] = Object.entries(stack.template.Resources)
    .filter(([, { Type }]) => Type === 'AWS::ApiGatewayV2::Stage')
    .flatMap(([, resource]) => ('DependsOn' in resource ? [resource.DependsOn].flat().map(String) : []));
  expect(awaited.map((id) => stack.template.Resources[id]?.Properties.RouteKey)).toContain('POST /sessions');
});

test('tells where they are to post', () => {
  expect(stack.render(stack.template.Outputs['SessionsUrl']?.Value)).toBe('Ingest/Api/sessions');
});
