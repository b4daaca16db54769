// What it takes to decide who is to be looked at tonight: the nightly run before a model of the index, which answers as DynamoDB does.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import * as v from 'valibot';
import { dueShardKey } from '../../lambdas/store/keys.ts';
import { closeNow, listenLocally } from '../../local/runner/listen.ts';
import { PORTAL_ID } from './contacts.ts';
import { DATES, runMs } from './month.ts';

/** Most that DynamoDB puts in one page of an answer, counted in bytes of keys. "Querying tables", read 2026-11. */
const PAGE_BYTES = 1_048_576;
const SHARDS = 16;
/** Megabytes of the heap's two parts: a run that needs more fails. Node would let the young part grow further, as there is room here. */
const MEMORY = ['--max-old-space-size=192', '--max-semi-space-size=8'];
const FIRST_CONTACT = 100_000_000_000;
const [TONIGHT = ''] = DATES;

const Query = v.object({
  ExpressionAttributeValues: v.object({ ':due': v.object({ S: v.string() }) }),
  ExclusiveStartKey: v.optional(v.object({ pk: v.object({ S: v.string() }) })),
});
const Batch = v.object({ Entries: v.array(v.object({ Id: v.string(), MessageBody: v.string() })) });

const Figures = v.object({ ticked: v.number(), cpuSeconds: v.number(), peakMegabytes: v.number() });

/** What one night's decision took. */
export interface DecisionFigures {
  readonly due: number;
  readonly ticked: number;
  /** Queries of the index, and requests to the queue. */
  readonly queries: number;
  readonly sends: number;
  /** From the start of the process to its end. */
  readonly cpuSeconds: number;
  readonly peakMegabytes: number;
}

/** Runs the decision of a night on which so many contacts are due. */
export async function measureDecision(due: number): Promise<DecisionFigures> {
  const counts = { queries: 0, sends: 0 };
  const server = serve(due, counts);
  const url = `http://127.0.0.1:${await listenLocally(server)}`;
  try {
    const program = join(import.meta.dirname, 'decision-process.ts');
    const options = [...MEMORY, program, url, String(runMs(0))];
    const { stdout } = await promisify(execFile)(process.execPath, options);
    return { due, ...counts, ...v.parse(Figures, JSON.parse(stdout)) };
  } finally {
    closeNow(server);
  }
}

/** Answers queries of the index, and takes messages. */
function serve(due: number, counts: { queries: number; sends: number }): Server {
  return createServer((request, response) => {
    const isQuery = String(request.headers['x-amz-target']).endsWith('.Query');
    counts[isQuery ? 'queries' : 'sends'] += 1;
    const answer = async () => {
      const asked: unknown = JSON.parse(await text(request));
      response.setHeader('content-type', 'application/x-amz-json-1.0');
      response.end(isQuery ? pageOf(due, v.parse(Query, asked)) : taken(v.parse(Batch, asked)));
    };
    answer().catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
}

/** One page of the keys of a shard, spread evenly over all. Nights but this one are empty. */
export function pageOf(
  due: number,
  { ExpressionAttributeValues, ExclusiveStartKey }: v.InferOutput<typeof Query>,
): string {
  const key = ExpressionAttributeValues[':due'].S;
  const shard = Array.from({ length: SHARDS }, (_, at) => dueShardKey(PORTAL_ID, TONIGHT, at)).indexOf(key);
  const inShard = shard === -1 ? 0 : Math.floor((due + SHARDS - 1 - shard) / SHARDS);
  const last = ExclusiveStartKey?.pk.S.split('#').at(-1);
  const from = last === undefined ? 0 : (Number(last) - FIRST_CONTACT - shard) / SHARDS + 1;
  const keysOf = (at: number) => ({
    due: { S: key },
    pk: { S: `${PORTAL_ID}#${FIRST_CONTACT + at * SHARDS + shard}` },
    sk: { S: '#head' },
  });
  const { due: hash, pk, sk } = keysOf(0);
  const bytes = 'duepksk'.length + hash.S.length + pk.S.length + sk.S.length;
  const until = Math.min(inShard, from + Math.floor(PAGE_BYTES / bytes));
  const Items = Array.from({ length: Math.max(0, until - from) }, (_, at) => keysOf(from + at));
  return JSON.stringify({
    Items,
    Count: Items.length,
    ...(until < inShard && { LastEvaluatedKey: Items.at(-1) }),
  });
}

function taken({ Entries }: v.InferOutput<typeof Batch>): string {
  const Successful = Entries.map(({ Id, MessageBody }) => ({
    Id,
    MessageId: Id,
    MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex'),
  }));
  return JSON.stringify({ Successful, Failed: [] });
}
