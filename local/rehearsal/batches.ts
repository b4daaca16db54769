import {
  DeleteRolePolicyCommand,
  GetRolePolicyCommand,
  IAMClient,
  ListRolePoliciesCommand,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import * as v from 'valibot';
import type { Resource } from './account.ts';

const NAME = 'EmulatorBatches';
const Statement = v.looseObject({ Action: v.union([v.string(), v.array(v.string())]) });
const Document = v.looseObject({ Statement: v.array(Statement) });

/**
 * To IAM a batch of messages is `sqs:SendMessage`; MiniStack 1.5 asks for `sqs:SendMessageBatch`, an action that AWS does not have. So
 * on the emulator whoever may send to a queue is allowed that too, on the same queues, and nothing else.
 */
export async function allowBatches(resources: readonly Resource[]): Promise<void> {
  const iam = new IAMClient({});
  for (const RoleName of rolesIn(resources)) {
    const { PolicyNames = [] } = await iam.send(new ListRolePoliciesCommand({ RoleName }));
    const statements = [];
    for (const PolicyName of PolicyNames) {
      const { PolicyDocument = '{}' } = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }));
      const text = PolicyDocument.startsWith('%') ? decodeURIComponent(PolicyDocument) : PolicyDocument;
      statements.push(...v.parse(v.pipe(v.string(), v.parseJson(), Document), text).Statement);
    }
    const batches = statements
      .filter(({ Action }) => [Action].flat().includes('sqs:SendMessage'))
      .map((statement) => ({ ...statement, Action: 'sqs:SendMessageBatch' }));
    if (batches.length === 0) continue;
    const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement: batches });
    await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: NAME, PolicyDocument }));
  }
}

/** A role that somebody else gave a policy cannot be removed by its stack. */
export async function forgetBatches(resources: readonly Resource[]): Promise<void> {
  const iam = new IAMClient({});
  for (const RoleName of rolesIn(resources)) {
    const { PolicyNames = [] } = await iam.send(new ListRolePoliciesCommand({ RoleName }));
    if (PolicyNames.includes(NAME))
      await iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName: NAME }));
  }
}

function rolesIn(resources: readonly Resource[]): string[] {
  return resources.filter(({ type }) => type === 'AWS::IAM::Role').map(({ physicalId }) => physicalId);
}
