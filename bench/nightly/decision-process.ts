// The decision of one night in a process of its own, so that its CPU and its memory are nobody else's: who is due, and the ticks for them.
import { readFileSync } from 'node:fs';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { decay } from '../../lambdas/nightly/decay.ts';
import { dueContacts } from '../../lambdas/store/due-index.ts';
import { sendAll } from '../../lambdas/store/queues.ts';
import { LOCAL_CREDENTIALS } from '../../local/runner/engines.ts';
import { LOCAL_REGION } from '../../local/runner/template.ts';

const PORTAL_ID = '1';
const [endpoint = '', now = ''] = process.argv.slice(2);
const setting = { endpoint, region: LOCAL_REGION, credentials: LOCAL_CREDENTIALS };
const client = DynamoDBDocumentClient.from(new DynamoDBClient(setting));
const sqs = new SQSClient(setting);
let progress = { finishedNight: '' };
let ticked = 0;

await decay('tonight', {
  clock: () => Number(now),
  portalId: PORTAL_ID,
  timeZone: 'UTC',
  due: (night) => dueContacts(client, 'contacts', PORTAL_ID, night),
  async tick(ticks) {
    await sendAll(sqs, `${endpoint}/ticks`, ticks);
    for (const { contactIds } of ticks) ticked += contactIds.length;
  },
  progress: {
    async update(change) {
      const { state, result } = change(progress);
      progress = state;
      return result;
    },
  },
  dueBy: async () => [], // Asked in the daytime only.
  count: () => {},
  logger: { info: () => {} },
});

const { user, system } = process.cpuUsage();
console.log(JSON.stringify({ ticked, cpuSeconds: (user + system) / 1e6, peakMegabytes: peakMegabytes() }));

/** Of this program alone: what the kernel tells of the process begins with what its parent took when it was made. */
function peakMegabytes(): number {
  const ofKernel = process.resourceUsage().maxRSS / 1024;
  if (process.platform !== 'linux') return ofKernel;
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return kilobytes === undefined ? ofKernel : Number(kilobytes) / 1024;
}
