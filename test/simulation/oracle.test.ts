import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { DeleteCommand } from '@aws-sdk/lib-dynamodb';
import { CONTACT_TABLE } from '../../bench/virtual/contact-table.ts';
import { wrongRestatement } from '../../simulation/oracle.ts';
import { QUEUES } from '../../simulation/queues.ts';
import { type Rest, restOf } from '../../simulation/seed.ts';
import { PORTAL_ID } from '../../simulation/system.ts';

type Row = Record<string, unknown>;

const SEEDS = 120;
/** A machine that does other things too. */
const PATIENCE_MS = 120_000;

function headOf({ system }: Rest, key: string): Row | undefined {
  return system.table.rows().find(({ pk, sk }) => pk === `${PORTAL_ID}#${key}` && sk === '#head');
}

function rowsOf({ system }: Rest, key: string): Row[] {
  return system.table.rows().filter(({ pk }) => pk === `${PORTAL_ID}#${key}`);
}

/** Ids of the contacts that live, are scored, and have a row of a login. */
function scoredWithLogin(rest: Rest): string[] {
  return rest.system.portal.crm
    .all('contacts')
    .map(({ id }) => id)
    .filter(
      (id) =>
        headOf(rest, id)?.['status'] === 'scored' &&
        rowsOf(rest, id).some(({ name }) => name === 'signal:product.login'),
    );
}

function erasedOf({ world }: Rest): string[] {
  return world.ledger.people.filter(({ fate }) => fate === 'erased').map((one) => world.lastIdOf(one));
}

function dealsOf(rest: Rest): string[] {
  return rest.world.ledger.deals
    .filter(({ id, isDeleted }) => !isDeleted && headOf(rest, `deal#${id}`)?.['wid'] !== undefined)
    .map(({ id }) => id);
}

function companiesOf({ system }: Rest): string[] {
  return system.portal.crm
    .all('companies')
    .filter(({ properties }) => (properties['afterglow_company_score'] ?? '') !== '')
    .map(({ id }) => id);
}

/** The first world at rest in which there is something to be damaged, and that thing. */
async function worldWith<T>(find: (rest: Rest) => readonly T[]): Promise<{ rest: Rest; found: T }> {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const rest = await restOf(seed);
    const [found] = find(rest);
    if (found === undefined) continue;
    expect(rest.look()).toEqual([]);
    // What is done to it from now on is told to nobody.
    rest.system.portal.setWebhooks({ targetUrl: 'https://nobody.test/', subscriptions: [] });
    return { rest, found };
  }
  throw new Error('no seed has what is to be damaged');
}

function change({ system }: Rest, row: Row, changed: Row): void {
  system.table.put({ ...row, ...changed });
}

function remove({ system }: Rest, { pk, sk }: Row): void {
  system.table.execute(new DeleteCommand({ TableName: CONTACT_TABLE.name, Key: { pk, sk } }));
}

/** Each kind of damage, and by which promise and in which words it must be found. */
const DAMAGES: readonly {
  readonly what: string;
  readonly promise: number;
  readonly says: RegExp;
  readonly things: (rest: Rest) => readonly string[];
  readonly damage: (rest: Rest, id: string) => void;
}[] = [
  {
    what: 'a login that is gone',
    promise: 2,
    says: /has logins at \[/,
    things: scoredWithLogin,
    damage(rest, id) {
      const row = rowsOf(rest, id).find(({ name }) => name === 'signal:product.login');
      remove(rest, row ?? {});
    },
  },
  {
    what: 'a login that is there twice',
    promise: 2,
    says: /has logins at \[/,
    things: scoredWithLogin,
    damage(rest, id) {
      const row = rowsOf(rest, id).find(({ name }) => name === 'signal:product.login') ?? {};
      change(rest, row, { sk: `${String(row['sk'])}x` });
    },
  },
  {
    what: 'another score in HubSpot than in the table',
    promise: 3,
    says: /shows score "77"/,
    things: scoredWithLogin,
    damage: ({ system }, id) => system.portal.crm.set('contacts', id, { afterglow_score: 77 }),
  },
  {
    what: 'a write of which HubSpot knows nothing',
    promise: 3,
    says: /shows write_id/,
    things: scoredWithLogin,
    damage: (rest, id) => change(rest, headOf(rest, id) ?? {}, { wid: 'another', cwid: 'another' }),
  },
  {
    what: 'a wrong score that both show',
    promise: 2,
    says: /has engagement|points of/,
    things: scoredWithLogin,
    damage(rest, id) {
      const head = headOf(rest, id) ?? {};
      const [score, eng] = [Number(head['score']) + 5, Number(head['eng']) + 5];
      change(rest, head, { score, eng });
      rest.system.portal.crm.set('contacts', id, { afterglow_score: score, afterglow_engagement_score: eng });
    },
  },
  {
    what: 'a contact that has no head',
    promise: 3,
    says: /was never scored/,
    things: scoredWithLogin,
    damage: (rest, id) => remove(rest, headOf(rest, id) ?? {}),
  },
  {
    what: 'a living contact taken for a deleted one',
    promise: 2,
    says: /lives, and the table has it as deleted/,
    things: scoredWithLogin,
    damage: (rest, id) => change(rest, headOf(rest, id) ?? {}, { life: 'deleted' }),
  },
  {
    what: 'a deleted contact taken for a living one',
    promise: 2,
    says: /was deleted, and the table has it as living/,
    things: (rest) =>
      rest.world.ledger.people
        .filter(({ fate }) => fate === 'deleted')
        .map((one) => rest.world.lastIdOf(one))
        .filter((id) => headOf(rest, id)?.['life'] === 'deleted'),
    damage: (rest, id) => change(rest, headOf(rest, id) ?? {}, { life: 'living' }),
  },
  {
    what: 'a stale score of a company',
    promise: 3,
    says: /company \d+ shows "1000"/,
    things: companiesOf,
    damage: ({ system }, id) => system.portal.crm.set('companies', id, { afterglow_company_score: 1000 }),
  },
  {
    what: 'a row of somebody who was erased',
    promise: 8,
    says: /was erased, and .* is there/,
    things: erasedOf,
    damage: (rest, id) => change(rest, { pk: `${PORTAL_ID}#${id}`, sk: 'fact' }, {}),
  },
  {
    what: 'a tombstone that tells more than that it is one',
    promise: 8,
    says: /the tombstone of \d+ has score/,
    things: (rest) => erasedOf(rest).filter((id) => headOf(rest, id) !== undefined),
    damage: (rest, id) => change(rest, headOf(rest, id) ?? {}, { score: 3 }),
  },
  {
    what: 'an address that leads to somebody who was erased',
    promise: 8,
    says: /leads to \d+, who was erased/,
    things: (rest) => erasedOf(rest).filter((id) => headOf(rest, id)?.['life'] === 'erased'),
    damage: (rest, id) =>
      change(rest, { pk: `${PORTAL_ID}#email#hash`, sk: '#head', alias: `${PORTAL_ID}#${id}` }, {}),
  },
  {
    what: 'a deal whose sources do not sum to its amount',
    promise: 2,
    says: /its sources sum to/,
    things: (rest) =>
      dealsOf(rest).filter(
        (id) => (rest.system.portal.crm.get('deals', id)?.properties['afterglow_sources'] ?? '') !== '',
      ),
    damage({ system }, id) {
      const sources = system.portal.crm.get('deals', id)?.properties['afterglow_sources'] ?? '';
      const more = `${sources}\nChatGPT: 0.01 EUR`;
      system.portal.crm.set('deals', id, { afterglow_sources: more });
    },
  },
  {
    what: 'a deal that is influenced otherwise',
    promise: 2,
    says: /shows ai_influenced/,
    things: (rest) =>
      dealsOf(rest).filter((id) =>
        rest.world.ledger.deals.some(
          (deal) => deal.id === id && deal.people.every(({ fate }) => fate === 'lives'),
        ),
      ),
    damage({ system }, id) {
      const shown = system.portal.crm.get('deals', id)?.properties['afterglow_ai_influenced'];
      system.portal.crm.set('deals', id, { afterglow_ai_influenced: shown === 'true' ? 'false' : 'true' });
    },
  },
  {
    what: 'a deal that shows another credit than its row',
    promise: 3,
    says: /shows another credit than its wid/,
    things: dealsOf,
    damage: (rest, id) => change(rest, headOf(rest, `deal#${id}`) ?? {}, { wid: 'another' }),
  },
  {
    what: 'a deal of another amount than HubSpot has',
    promise: 2,
    says: /is worth ".*", the table has "77"/,
    things: dealsOf,
    damage(rest, id) {
      const head = headOf(rest, `deal#${id}`) ?? {};
      const { deal } = head;
      change(rest, head, { deal: JSON.stringify({ ...JSON.parse(String(deal)), amount: '77' }) });
    },
  },
  {
    what: 'a value that was kept, and whose head was not raised since',
    promise: 2,
    says: /property#hs_language was kept, and its head was not raised since/,
    things: scoredWithLogin,
    damage: (rest, id) =>
      change(rest, { pk: `${PORTAL_ID}#${id}`, sk: 'property#hs_language', value: 'en' }, {}),
  },
  {
    what: 'a row of another portal that was changed',
    promise: 6,
    says: /of another portal is not as it was: 11#\d+ #head/,
    things: ({ system }) => system.portal.crm.all('contacts').map(({ id }) => id),
    damage: (rest, id) => change(rest, { pk: `11#${id}`, sk: '#head', score: 98 }, {}),
  },
  {
    what: 'a row of another portal that it did not write',
    promise: 6,
    says: /of another portal is not as it was: 1 rows more/,
    things: () => ['any'],
    damage: (rest) => change(rest, { pk: '11#5', sk: 'more' }, {}),
  },
  {
    what: 'a dead letter without a reason',
    promise: 4,
    says: /has no reason/,
    things: () => ['any'],
    damage: (rest) => send(rest, QUEUES.events.deadLetters.url, {}),
  },
  {
    what: 'a dead letter that should be none',
    promise: 4,
    says: /that should be none/,
    things: () => ['any'],
    damage: (rest) =>
      send(rest, QUEUES.events.deadLetters.url, { reason: 'some', event: { propertyValue: 'a good one' } }),
  },
  {
    what: 'an event nobody understands, and that is no dead letter',
    promise: 4,
    says: /is no dead letter: poison 99/,
    things: () => ['any'],
    damage: ({ world }) => void world.ledger.poisons.add('poison 99'),
  },
  {
    what: 'a message that is still on its way',
    promise: 3,
    says: /1 messages are still on their way/,
    things: () => ['any'],
    damage(rest) {
      rest.system.stop();
      send(rest, QUEUES.ticks.queue.url, {});
    },
  },
  {
    what: 'a request that was never accepted',
    promise: 1,
    says: /1 requests were never accepted/,
    things: () => ['any'],
    damage({ world }) {
      world.underWay = 1;
    },
  },
  {
    what: 'a right request that was refused',
    promise: 1,
    says: /was answered with 400/,
    things: () => ['any'],
    damage: ({ world }) => void world.refusals.push('/signals was answered with 400'),
  },
  {
    what: 'a name in what is logged',
    promise: 7,
    says: /said: somebody is Canary1/,
    things: () => ['any'],
    damage: ({ system }) => void system.said.push('somebody is Canary1'),
  },
];

function send({ system }: Rest, queue: string, message: object): void {
  system.queues.execute(new SendMessageCommand({ QueueUrl: queue, MessageBody: JSON.stringify(message) }));
}

test.each(DAMAGES)(
  'finds $what',
  async ({ promise, says, things, damage }) => {
    const { rest, found } = await worldWith(things);

    damage(rest, found);

    expect(rest.look()).toContainEqual({ promise, what: expect.stringMatching(says) });
  },
  PATIENCE_MS,
);

test(
  'finds a call that HubSpot refused since it was over a limit',
  async () => {
    const { rest } = await worldWith(() => ['any']);
    for (let call = 0; call < 300; call++)
      // Who is answered waits for it in a time that does not pass.
      void rest.system.portal.answer({
        method: 'GET',
        url: '/account-info/2026-03/details',
        headers: { authorization: 'Bearer local-access-token' },
      });

    expect(rest.look()).toContainEqual({
      promise: 5,
      what: expect.stringMatching(/calls were over a limit/),
    });
  },
  PATIENCE_MS,
);

test('finds a credit that became another without a line in the log', () => {
  const row = {
    pk: '1#deal#5',
    credit: JSON.stringify({ byModel: { linear: { ai: '5' } }, units: '5' }),
    log: '[]',
  };
  const other = JSON.stringify({ byModel: { linear: { ai: '4' } }, units: '5' });

  expect(wrongRestatement(row, row)).toBeUndefined();
  expect(wrongRestatement(row, { ...row, credit: other })).toMatch(/its log says nothing of it/);
  expect(wrongRestatement(row, { ...row, credit: other, log: '[{}]' })).toBeUndefined();
});
