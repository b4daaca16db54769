import { Duration, Validations } from 'aws-cdk-lib';
import {
  CfnStage,
  CorsHttpMethod,
  HttpApi,
  HttpMethod,
  type HttpRoute,
  HttpStage,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { IngestEnv } from '../lambdas/env.ts';
import { type CompiledModel, NodeFunction } from './node-function.ts';
import { grantValue } from './secrets.ts';
import type { Settings } from './settings.ts';

const HUBSPOT_ROUTE = '/webhooks/hubspot';
const WORKFLOW_ROUTE = '/webhooks/workflow';
const SIGNALS_ROUTE = '/signals';
const SESSIONS_ROUTE = '/sessions';

/** Requests per second. HubSpot keeps up to 10 requests in flight, each of up to 100 events: far below this. */
const THROTTLE = { rateLimit: 200, burstLimit: 400 };

/** For how long a browser need not ask again whether it may post. */
const PREFLIGHT_LASTS = Duration.hours(1);

const SIGNED = {
  id: 'AwsSolutions-APIG4',
  reason:
    'HubSpot signs what it sends and cannot sign as IAM does: ingest itself verifies the signature over the raw bytes before it parses anything, and answers 401 otherwise. Evidence: test/ingest.test.ts, test/events/authenticity.test.ts',
};
const UNSIGNED = {
  id: 'AwsSolutions-APIG4',
  reason:
    'Browsers post here, and whatever would sign for them would lie open in a page. What comes in can only say that some anonymous browser came from somewhere: ingest takes two random ids, a page of an origin that is set and a referrer, refuses all else, and keeps no address of anybody; the route has a throttle of its own. Evidence: test/ingest.test.ts, test/events/sessions.test.ts, docs/browser.md',
};
const NO_ACCESS_LOG = {
  id: 'AwsSolutions-APIG1',
  reason:
    "It would keep the addresses of callers, a colleague's among them who asks for an explanation, and cost as much as the requests themselves. What is refused is counted by reason and logged by ingest without them, and the gateway counts 4xx and 5xx. Evidence: test/ingest.test.ts, docs/runbook.md",
};

export interface IngestProps {
  readonly settings: Settings;
  /** The compiled scoring model: it names the apps by which browsers are known that tell of visits. */
  readonly model: CompiledModel;
  /** Where verified requests go, one message each. */
  readonly events: IQueue;
  /** What the signatures are made with. */
  readonly webhookSecret: ISecret;
}

/** The only way in from outside: an HTTP API whose function verifies the signature and hands over to the events queue. */
export class Ingest extends Construct {
  readonly api: HttpApi;
  readonly function: NodeFunction;
  /** Where HubSpot's app webhooks go. */
  readonly hubSpotWebhookUrl: string;
  /** Where the "send a webhook" action of a workflow goes. */
  readonly workflowWebhookUrl: string;
  /** Where the company's own signals go. */
  readonly signalsUrl: string;
  /** Where the snippet posts visits; undefined while no page may. */
  readonly sessionsUrl: string | undefined;

  constructor(scope: Construct, id: string, props: IngestProps) {
    super(scope, id);
    const { origins, ratePerSecond } = props.settings.sessions;
    const hasSessions = origins.length > 0;
    const environment = {
      PORTAL_ID: props.settings.portalId,
      EVENTS_QUEUE_URL: props.events.queueUrl,
      WEBHOOK_SECRET_ARN: props.webhookSecret.secretArn,
      PUBLIC_URL: props.settings.publicUrl,
      WORKFLOW_V2: String(props.settings.workflowV2),
      SESSION_ORIGINS: origins.join(','),
    } satisfies IngestEnv;
    const concurrency = props.settings.ingestConcurrency;

    this.function = new NodeFunction(this, 'Function', {
      door: 'ingest',
      description: 'Afterglow: signed webhooks and signals in, one message each to the events queue',
      timeout: Duration.seconds(10),
      memoryMb: 512,
      environment,
      ...(hasSessions && { model: props.model }),
      ...(concurrency > 0 && { reservedConcurrency: concurrency }),
    });
    props.events.grant(this.function, 'sqs:SendMessage');
    grantValue(props.webhookSecret, this.function);

    this.api = new HttpApi(this, 'Api', {
      createDefaultStage: false,
      ...(hasSessions && {
        corsPreflight: {
          allowOrigins: origins,
          allowMethods: [CorsHttpMethod.POST],
          allowHeaders: ['content-type'],
          maxAge: PREFLIGHT_LASTS,
        },
      }),
    });
    const stage = new HttpStage(this, 'Stage', {
      httpApi: this.api,
      stageName: '$default',
      autoDeploy: true,
      throttle: THROTTLE,
    });
    const integration = new HttpLambdaIntegration('Integration', this.function);
    for (const path of [HUBSPOT_ROUTE, WORKFLOW_ROUTE, SIGNALS_ROUTE]) {
      for (const route of this.api.addRoutes({ path, methods: [HttpMethod.POST], integration }))
        Validations.of(route).acknowledge(SIGNED);
    }
    if (hasSessions) {
      const routes = this.api.addRoutes({ path: SESSIONS_ROUTE, methods: [HttpMethod.POST], integration });
      for (const route of routes) {
        Validations.of(route).acknowledge(UNSIGNED);
        throttle(stage, route, SESSIONS_ROUTE, ratePerSecond);
      }
    }
    Validations.of(stage).acknowledge(NO_ACCESS_LOG);

    // The address HubSpot signs must be the one that ingest checks: the setting, or else the gateway's own.
    const origin = props.settings.publicUrl === '' ? this.api.apiEndpoint : props.settings.publicUrl;
    this.hubSpotWebhookUrl = `${origin}${HUBSPOT_ROUTE}`;
    this.workflowWebhookUrl = `${origin}${WORKFLOW_ROUTE}`;
    this.signalsUrl = `${origin}${SIGNALS_ROUTE}`;
    this.sessionsUrl = hasSessions ? `${origin}${SESSIONS_ROUTE}` : undefined;
  }
}

/** Gives a route a throttle of its own, which the CDK knows for whole stages only. */
function throttle(stage: HttpStage, route: HttpRoute, path: string, ratePerSecond: number): void {
  const resource = stage.node.defaultChild;
  if (!(resource instanceof CfnStage)) throw new Error('the stage of the API is no CfnStage any more');
  resource.routeSettings = {
    [`${HttpMethod.POST} ${path}`]: {
      ThrottlingRateLimit: ratePerSecond,
      ThrottlingBurstLimit: 2 * ratePerSecond,
    },
  };
  resource.node.addDependency(route); // API Gateway refuses settings of a route that is not there yet.
}
