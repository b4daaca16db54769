// Answers to a batch that the simulator has no reason to give, word by word: what each says of a record, and what is asked next.
import { HubSpotError } from '../../lambdas/hubspot/answer.ts';
import { outcomeOf, writeBatch, writeOne } from '../../lambdas/hubspot/batch-write.ts';
import { inHalves } from '../../lambdas/hubspot/halves.ts';
import type {
  BatchAnswer,
  HubSpotObjects,
  HubSpotRecord,
  WriteInput,
} from '../../lambdas/hubspot/objects.ts';

const NOW_MS = Date.UTC(2026, 10, 10, 12);

const input = (id: string, parts: Partial<WriteInput> = {}): WriteInput => ({
  id,
  properties: { afterglow_score: '5' },
  objectWriteTraceId: `trace-${id}`,
  ...parts,
});

/** An input by a value of a unique property. @param recordId - the record that is meant, where that is known */
const byNumber = (number: string, recordId?: string) =>
  input(number, { idProperty: 'customer_number', recordId });

const found = (id: string, properties: HubSpotRecord['properties'] = {}): HubSpotRecord => ({
  id,
  properties,
  updatedAtMs: NOW_MS,
});

function itemError(parts: Partial<BatchAnswer['errors'][number]>): BatchAnswer['errors'][number] {
  return { category: 'VALIDATION_ERROR', reason: 'r', ids: [], traceIds: [], properties: [], ...parts };
}

const failing = () => Promise.reject(new Error('a fault of our own'));

function unexpected(): never {
  throw new Error('nobody should ask this');
}

/** HubSpot as far as a test has it answer. */
const hubSpot = (parts: Partial<HubSpotObjects>): HubSpotObjects => ({
  read: unexpected,
  readWithHistories: unexpected,
  lookUp: unexpected,
  update: unexpected,
  patch: unexpected,
  ...parts,
});

/** HubSpot that answers a batch so. */
const answering = (answer: Partial<BatchAnswer>, parts: Partial<HubSpotObjects> = {}): HubSpotObjects =>
  hubSpot({ update: async () => ({ written: [], errors: [], correlationId: 'c-1', ...answer }), ...parts });

const outcomes = async (objects: HubSpotObjects, inputs: readonly WriteInput[]) =>
  Object.fromEntries(await writeBatch(objects, inputs, () => NOW_MS));

describe('records on which an answer keeps silent', () => {
  test('are looked up four at a time, and by a value of their own never read as if it were an id', async () => {
    let underWay = 0;
    let most = 0;
    const lookUp = async (id: string) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise((resolve) => setTimeout(resolve, 1));
      underWay -= 1;
      return found(id);
    };

    await outcomes(
      answering({}, { lookUp }),
      Array.from({ length: 12 }, (_, at) => byNumber(`n-${at}`)),
    );

    expect(most).toBe(4);
  });

  test('are looked up singly where reading them at once fails', async () => {
    const asked: unknown[] = [];
    const objects = answering(
      {},
      {
        read: async (...given) => {
          asked.push(given);
          throw new HubSpotError('unknown', 500, 'no category');
        },
        lookUp: async (id) => (id === '2' ? undefined : found(id)),
      },
    );

    expect(await outcomes(objects, [input('1'), input('2'), input('3')])).toEqual({
      '1': { kind: 'unknown' },
      '2': { kind: 'gone' },
      '3': { kind: 'unknown' },
    });
    expect(asked).toEqual([[['1', '2', '3'], []]]);
  });

  test.each([
    {
      told: 'errors that name them by id',
      answer: { errors: [itemError({ ids: ['1', '2', '3'], category: 'CONFLICT' })] },
      kind: 'declined',
    },
    {
      told: 'errors that name them by trace id',
      answer: { errors: [itemError({ traceIds: ['trace-1', 'trace-2', 'trace-3'], category: 'CONFLICT' })] },
      kind: 'declined',
    },
    {
      told: 'results under other ids, with their trace ids',
      answer: { written: ['1', '2', '3'].map((id) => ({ id: `9${id}`, traceId: `trace-${id}` })) },
      kind: 'merged',
    },
  ])('are not those of which it tells by $told: none is read', async ({ answer, kind }) => {
    const objects = answering(answer, { lookUp: async (id) => found(`9${id}`) });

    const told = await outcomes(objects, [input('1'), input('2'), input('3')]);

    expect(Object.values(told).map((outcome) => outcome.kind)).toEqual([kind, kind, kind]);
  });

  test('are not to blame for what is wrong with another', async () => {
    const objects = answering({ errors: [itemError({ ids: ['2'] })] }, { lookUp: async (id) => found(id) });

    expect(await outcomes(objects, [input('1'), input('2')])).toEqual({
      '1': { kind: 'unknown' },
      '2': { kind: 'refused', reason: 'r', correlationId: 'c-1' },
    });
  });

  test('are in doubt by a value that some record has, where nobody said which record is meant', async () => {
    const asked: unknown[] = [];
    const lookUp: HubSpotObjects['lookUp'] = async (...given) => {
      asked.push(given);
      return found('5');
    };
    const missing = { errors: [itemError({ ids: ['n-1'], category: 'OBJECT_NOT_FOUND' })] };

    expect(await outcomes(answering({}, { lookUp }), [byNumber('n-1')])).toEqual({
      'n-1': { kind: 'unknown' },
    });
    expect(await outcomes(answering(missing, { lookUp }), [byNumber('n-1')])).toEqual({
      'n-1': { kind: 'unknown' },
    });
    expect(asked).toEqual([
      ['n-1', [], 'customer_number'],
      ['n-1', [], 'customer_number'],
    ]);
  });

  test.each([
    { what: input('1'), asked: ['1', []], because: 'its id alone says whose it is' },
    { what: byNumber('n-1', '7'), asked: ['7', ['customer_number']], because: 'the value may have moved' },
  ])('are asked about no more than needed: $because', async ({ what, asked }) => {
    const given: unknown[] = [];
    const lookUp: HubSpotObjects['lookUp'] = async (...args) => {
      given.push(args);
      return found(what.recordId ?? what.id, { customer_number: what.id });
    };

    expect(await outcomes(answering({}, { lookUp }), [what])).toEqual({ [what.id]: { kind: 'unknown' } });
    expect(given).toStrictEqual([asked]); // An array with nothing undefined in it.
  });

  test('are no excuse for a fault of our own while they are looked up: it is thrown', async () => {
    await expect(outcomes(answering({}, { lookUp: failing }), [input('1')])).rejects.toThrow(
      'a fault of our own',
    );
  });
});

describe('results', () => {
  test('without trace ids are told by their ids, in whatever order', async () => {
    const written = ['2', '1'].map((id) => ({ id, traceId: undefined }));

    expect(await outcomes(answering({ written }), [input('1'), input('2')])).toEqual({
      '1': { kind: 'written' },
      '2': { kind: 'written' },
    });
  });

  test.each([
    {
      what: input('1'),
      living: undefined,
      outcome: { kind: 'gone' },
      because: 'nobody but the record has its id',
    },
    { what: input('1'), living: '1', outcome: { kind: 'unknown' }, because: 'it is there, under its own id' },
    { what: input('1'), living: '9', outcome: { kind: 'merged', livingId: '9' }, because: 'it lives there' },
    {
      what: byNumber('n-1', '1'),
      living: undefined,
      outcome: { kind: 'astray', writtenId: '9' },
      because: 'another record has the value now',
    },
  ])(
    'under another id, with the record at $living: $outcome.kind, $because',
    async ({ what, living, outcome }) => {
      const asked: unknown[] = [];
      const objects = answering(
        { written: [{ id: '9', traceId: what.objectWriteTraceId }] },
        {
          lookUp: async (...given) => {
            asked.push(given);
            return living === undefined ? undefined : found(living);
          },
        },
      );

      expect(await outcomes(objects, [what])).toEqual({ [what.id]: outcome });
      expect(asked).toEqual([['1', []]]);
    },
  );
});

const refusal = (codes: Record<string, string>) =>
  new HubSpotError('invalid', 400, 'r', {
    properties: Object.entries(codes).map(([name, code]) => ({ name, code })),
  });

/** Refuses a batch with the record `bad` in it for two properties, of which one is wrong whatever its value. */
const update = async (part: readonly WriteInput[]): Promise<BatchAnswer> => {
  if (part.some(({ id }) => id === 'bad'))
    throw refusal({ afterglow_score: 'INVALID_OPTION', afterglow_model: 'READ_ONLY_VALUE' });
  return {
    written: part.map(({ id }) => ({ id, traceId: undefined })),
    errors: [],
    correlationId: undefined,
  };
};
describe('properties at fault', () => {
  test('of which one may be written by another value do not condemn every record that is sent them', async () => {
    const properties = { afterglow_score: '5', afterglow_model: 'm' };

    expect(await outcomes(hubSpot({ update }), [input('bad', { properties }), input('1')])).toEqual({
      bad: {
        kind: 'unwritable',
        properties: ['afterglow_score', 'afterglow_model'],
        isWhateverTheValue: false,
        reason: 'r',
        correlationId: undefined,
      },
      '1': { kind: 'written' },
    });
  });

  test('that were not sent say nothing of those that were', async () => {
    const properties = [
      { name: 'afterglow_score', code: 'READ_ONLY_VALUE' },
      { name: 'phone', code: 'MISSING_CONDITIONAL_REQUIRED_PROPERTY' },
    ];
    const objects = answering({ errors: [itemError({ ids: ['1'], properties })] });

    expect(await outcomes(objects, [input('1')])).toEqual({
      '1': {
        kind: 'unwritable',
        properties: ['afterglow_score'],
        isWhateverTheValue: true,
        reason: 'r',
        correlationId: 'c-1',
      },
    });
  });
});

test('one record that is not found on its path, and is there all the same, may have been written', async () => {
  const asked: unknown[] = [];
  const read: HubSpotObjects['read'] = async (...given) => {
    asked.push(given);
    return [found('1')];
  };

  expect(await writeOne(hubSpot({ patch: async () => undefined, read }), input('1'), () => NOW_MS)).toEqual({
    kind: 'unknown',
  });
  expect(asked).toEqual([[['1'], []]]);
});

test.each([
  [400, 'refused'],
  [409, 'declined'],
  [413, 'declined'],
  [414, 'declined'],
] as const)('a whole call that ends with %i leaves its records %s', (status, kind) => {
  const error = new HubSpotError('invalid', status, 'r', { correlationId: 'c-1' });

  expect(outcomeOf(error, NOW_MS)).toEqual({ kind, reason: 'r', correlationId: 'c-1' });
});

test.each([
  { what: 'a lock', error: new HubSpotError('locked', 423, 'r') },
  { what: 'silence', error: new HubSpotError('unknown', 0, 'r') },
  { what: 'a fault of our own', error: new Error('ours') },
])('a batch is taken apart for a refusal only: $what is thrown at the first call', async ({ error }) => {
  let calls = 0;
  const call = async () => {
    calls += 1;
    throw error;
  };

  await expect(inHalves([1, 2, 3], call, () => 'refused')).rejects.toBe(error);
  expect(calls).toBe(1);
});
