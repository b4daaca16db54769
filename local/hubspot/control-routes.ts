// Not HubSpot's API: what a person at the simulator does with curl. Needs no token and counts against no limit.
import * as v from 'valibot';
import type { Crm } from './crm.ts';
import { errorReply, notFound, type Reply } from './errors.ts';
import { type ObjectType, objectTypeOf } from './object-types.ts';

export interface Control {
  readonly crm: Crm;
  state(): Record<string, unknown>;
  advanceClock?: ((hours: number) => Promise<unknown>) | undefined;
}

const GivenSchema = v.record(v.string(), v.union([v.string(), v.number(), v.boolean(), v.null()]));
/** Every night on the way is run, so a mistyped number would run for hours; behind 400 days no fact counts any more. */
const MOST_HOURS = 24 * 400;
export const MOVE_EXPECTED = 'send JSON such as {"advanceHours": 24}';
/** How a clock is asked to move. */
export const ClockMove = v.object(
  {
    advanceHours: v.pipe(
      v.number(MOVE_EXPECTED),
      v.minValue(0, 'advanceHours: expected at least 0'),
      v.maxValue(MOST_HOURS, `advanceHours: expected at most ${MOST_HOURS}, which is 400 days`),
    ),
  },
  MOVE_EXPECTED,
);
const MergeSchema = v.object({ primaryId: v.string(), otherId: v.string() });
const AssociateSchema = v.object({
  to: v.string(),
  toId: v.string(),
  primary: v.optional(v.boolean(), false),
});

const HELP = {
  'GET /simulator/state': 'counts, webhooks, calls',
  'GET /simulator/{type}?limit=20': 'records',
  'POST /simulator/{type}': 'create a record: {"email": "..."}',
  'GET /simulator/{type}/{id or e-mail}': 'one record with all properties',
  'POST /simulator/{type}/{id or e-mail}/properties':
    'change it as a user of the portal does: {"jobtitle": "..."}',
  'POST /simulator/{type}/{id}/associations': '{"to": "companies", "toId": "...", "primary": true}',
  'POST /simulator/{type}/{id}/restore': 'bring a deleted record back',
  'POST /simulator/{type}/merge': '{"primaryId": "...", "otherId": "..."}',
  'DELETE /simulator/{type}/{id}': 'delete; ?privacy=true erases a contact',
  'POST /simulator/clock': '{"advanceHours": 24}',
};

/** Answers `/simulator/...`. */
export async function answerControl(
  control: Control,
  method: string,
  url: URL,
  body: unknown,
): Promise<Reply> {
  const [, , first = '', id = '', act = ''] = url.pathname.split('/').map(decodeURIComponent);
  if (method === 'GET' && first === '') return { status: 200, body: HELP };
  if (method === 'GET' && first === 'state') return { status: 200, body: control.state() };
  if (method === 'POST' && first === 'clock') return moveClock(control, body);
  const type = objectTypeOf(first);
  if (type === undefined) return notFound();
  try {
    return actOnRecord(control.crm, { method, type, id, act, url, body }) ?? notFound();
  } catch (error) {
    return errorReply(400, error instanceof Error ? error.message : 'impossible');
  }
}

async function moveClock(control: Control, body: unknown): Promise<Reply> {
  const asked = v.safeParse(ClockMove, body);
  if (!asked.success) return errorReply(400, asked.issues[0].message);
  if (control.advanceClock === undefined)
    return errorReply(501, 'nothing is connected whose clock could move');
  try {
    return { status: 200, body: await control.advanceClock(asked.output.advanceHours) };
  } catch (error) {
    return errorReply(500, error instanceof Error ? error.message : 'the clock did not move');
  }
}

interface Act {
  readonly method: string;
  readonly type: ObjectType;
  readonly id: string;
  readonly act: string;
  readonly url: URL;
  readonly body: unknown;
}

function actOnRecord(crm: Crm, { method, type, id, act, url, body }: Act): Reply | undefined {
  if (method === 'GET' && id === '') {
    return {
      status: 200,
      body: { results: crm.all(type).slice(0, Number(url.searchParams.get('limit') ?? 20)) },
    };
  }
  if (method === 'POST' && id === '') {
    return { status: 201, body: crm.get(type, crm.create(type, v.parse(GivenSchema, body))) };
  }
  if (method === 'POST' && id === 'merge') {
    const { primaryId, otherId } = v.parse(MergeSchema, body);
    return { status: 200, body: crm.get(type, crm.merge(type, primaryId, otherId)) };
  }
  if (method === 'POST' && act === 'restore') {
    crm.restore(type, id);
    return { status: 200, body: crm.get(type, id) };
  }
  const record = crm.get(type, id) ?? (type === 'contacts' ? crm.find(type, 'email', id) : undefined);
  if (record === undefined) return undefined;
  if (method === 'GET' && act === '') return { status: 200, body: record };
  if (method === 'POST' && act === 'properties') {
    crm.set(type, record.id, v.parse(GivenSchema, body));
    return { status: 200, body: crm.get(type, record.id) };
  }
  if (method === 'POST' && act === 'associations') {
    const { to, toId, primary } = v.parse(AssociateSchema, body);
    const toType = objectTypeOf(to);
    if (toType === undefined) return undefined;
    crm.associate(type, record.id, toType, toId, { primary });
    return { status: 200, body: { associated: true } };
  }
  if (method === 'DELETE' && act === '') {
    if (url.searchParams.get('privacy') === 'true' && type === 'contacts') crm.privacyDelete(record.id);
    else crm.delete(type, record.id);
    return { status: 204 };
  }
  return undefined;
}
