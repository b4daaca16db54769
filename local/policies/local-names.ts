import { createResolver, type Template } from '../runner/template.ts';
import type { JudgedCall } from './judge.ts';

/**
 * Calls that were recorded of a deployed stack, with the ARNs by which `judge` knows its resources. What is no resource of the stack
 * keeps its own, and is refused.
 *
 * @param physicalIds - by logical id, as CloudFormation lists them
 */
export function inLocalNames(
  template: Template,
  calls: readonly JudgedCall[],
  physicalIds: ReadonlyMap<string, string>,
): JudgedCall[] {
  const resolver = createResolver(template, 'https://sqs.us-east-1.amazonaws.com');
  const named = [...physicalIds].flatMap(([logicalId, physicalId]) => {
    const service = SERVICES[template.Resources[logicalId]?.Type ?? ''];
    if (service === undefined) return [];
    const { ref, attributes } = resolver.identity(logicalId);
    return [
      { service: service.name, deployed: service.resourceOf(physicalId), local: attributes['Arn'] ?? ref },
    ];
  });
  return calls.map((call) => {
    const [, , service, , , ...rest] = call.resource.split(':');
    const resource = rest.join(':');
    const found = named.find(
      (one) =>
        one.service === service && (resource === one.deployed || resource.startsWith(`${one.deployed}/`)),
    );
    return found === undefined
      ? call
      : { ...call, resource: found.local + resource.slice(found.deployed.length) };
  });
}

interface Service {
  /** As ARNs name it. */
  readonly name: string;
  /** The last part of the ARN of what CloudFormation calls so. */
  readonly resourceOf: (physicalId: string) => string;
}

const TABLE: Service = { name: 'dynamodb', resourceOf: (name) => `table/${name}` };
/** What functions call. */
const SERVICES: Readonly<Record<string, Service>> = {
  'AWS::DynamoDB::Table': TABLE,
  'AWS::DynamoDB::GlobalTable': TABLE,
  'AWS::S3::Bucket': { name: 's3', resourceOf: (name) => name },
  'AWS::SQS::Queue': { name: 'sqs', resourceOf: (url) => url.split('/').at(-1) ?? url },
  'AWS::SecretsManager::Secret': {
    name: 'secretsmanager',
    resourceOf: (arn) => arn.split(':').slice(5).join(':'),
  },
};
