// Calls of HubSpot's API as one would make them who knows the paths, and sometimes errs.
import { type Random, randomOf } from '../../bench/random/random.ts';

export interface Call {
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface Calls {
  next(): Call;
  /** Told of every answer: later calls are about the records it names. */
  learn(text: string): void;
}

const TYPES = ['contacts', 'companies', 'deals'] as const;
type Type = (typeof TYPES)[number];
const OTHER_TYPE = { contacts: 'companies', companies: 'deals', deals: 'contacts' } as const;
/** What may be written, and what is wrong with some of it. */
const WRITES: Readonly<Record<Type, readonly (readonly [string, readonly [string, ...string[]]])[]>> = {
  contacts: [
    ['jobtitle', ['CTO', '', 'Ünïcödé 🎉 \u2028', 'VP "Sales"']],
    ['lifecyclestage', ['lead', 'customer', '', 'lead']],
    ['hs_buying_role', ['CHAMPION;LEGAL_AND_COMPLIANCE', ';BLOCKER']],
    ['hs_email_optout', ['true', 'false']],
    ['webinareventlastupdated', ['2026-11-01T10:00:00+01:00', '1793534400000']],
  ],
  companies: [
    ['name', ['Acme', '']],
    ['domain', ['acme.example', 'other.example']],
  ],
  deals: [
    ['dealname', ['Big', 'Small']],
    ['dealstage', ['closedwon', 'closedlost', 'contractsent']],
    ['amount', ['400.00', '17', '-0']],
    ['closedate', ['2026-11-01', '']],
  ],
};
const WRONG = [
  ['amount', 'much'],
  ['hs_buying_role', 'KING'],
  ['hs_analytics_num_visits', '3'],
  ['made_up', 'x'],
  ['made_1', 'x'],
  ['email', 'nobody'],
] as const;
const NAMES = [
  'jobtitle',
  'name',
  'dealname',
  'dealstage',
  'amount',
  'lifecyclestage',
  'closedate',
  'made_up',
  'made_1',
  'email',
];
const TOKEN = { authorization: 'Bearer local-access-token', 'content-type': 'application/json' };

/** How many of the choices write records. */
const WRITING = 5;

/** A random series of calls. @param seed - the same gives the same, where the answers are the same */
export function randomCalls(seed: number): Calls {
  const random = randomOf(seed);
  const ids: Record<Type, string[]> = { contacts: ['1'], companies: ['1'], deals: ['1'] };
  let asked: Type = 'contacts';
  let made = 0;
  /** Mostly of the type, and rather a late one. */
  const id = (type: Type) => {
    const known = ids[random.isLucky(0.05) ? random.oneOf(TYPES) : type];
    return known[Math.max(0, known.length - 1 - random.between(0, 12))] ?? '1';
  };
  const several = <T>(make: () => T): T[] => Array.from({ length: random.between(0, 4) }, make);
  const properties = (type: Type): Record<string, string> => ({
    ...Object.fromEntries(
      random.some(WRITES[type], 0.6).map(([name, values]) => [name, random.oneOf(values)]),
    ),
    ...(type === 'contacts' && random.isLucky(0.5) && { email: `p${random.between(1, 90)}@example.com` }),
    ...Object.fromEntries(random.some(WRONG, 0.02)),
  });
  const typeId = (type: Type) => ({ contacts: 279, companies: 341, deals: 3 })[type];
  const call = (): readonly [string, string, unknown?] => {
    const type = random.oneOf(TYPES);
    const to = OTHER_TYPE[type];
    asked = type;
    const objects = `/crm/objects/2026-03/${type}`;
    const pair = `/crm/associations/2026-03/${type}/${to}/batch`;
    const definitions = `/crm/properties/2026-03/${type}`;
    const trace = () => random.isLucky(0.5) && { objectWriteTraceId: String(++made) };
    const given = [...NAMES.slice(0, random.between(0, NAMES.length)), 'hs_object_id'];
    const choices: readonly (() => readonly [string, string, unknown?])[] = [
      () => [
        'POST',
        `${objects}/batch/update`,
        { inputs: several(() => ({ id: id(type), properties: properties(type), ...trace() })) },
      ],
      () => ['PATCH', `${objects}/${id(type)}`, { properties: properties(type) }],
      () => [
        'POST',
        `${pair}/associate/default`,
        { inputs: several(() => ({ from: { id: id(type) }, to: { id: id(to) } })) },
      ],
      () => ['POST', objects, { properties: properties(type) }],
      () => [
        'POST',
        `${objects}/batch/create`,
        { inputs: several(() => ({ properties: properties(type), ...trace() })) },
      ],
      () => [
        'POST',
        `${objects}/batch/read`,
        { inputs: several(() => ({ id: id(type) })), properties: given },
      ],
      () => [
        'POST',
        `${objects}/batch/read`,
        { inputs: several(() => ({ id: id(type) })), propertiesWithHistory: given },
      ],
      () => [
        'POST',
        `${objects}/batch/update`,
        { inputs: several(() => ({ id: id(type), properties: properties(type), ...trace() })) },
      ],
      () => [
        'POST',
        `${objects}/batch/upsert`,
        {
          inputs: several(() => ({
            id: `u${random.between(1, 9)}@example.com`,
            idProperty: 'email',
            properties: properties(type),
          })),
        },
      ],
      () => [
        'POST',
        `${objects}/batch/archive`,
        { inputs: random.isLucky(0.2) ? several(() => ({ id: id(type) })) : [] },
      ],
      () => [
        'POST',
        `${objects}/search`,
        {
          filterGroups: [{ filters: [{ propertyName: 'hs_object_id', operator: 'GT', value: id(type) }] }],
          limit: 5,
        },
      ],
      () => ['POST', `${objects}/merge`, { primaryObjectId: id(type), objectIdToMerge: id(type) }],
      () => ['POST', `${objects}/gdpr-delete`, { objectId: id(type) }],
      () => ['GET', `${objects}?limit=${random.between(0, 20)}&after=${id(type)}&properties=jobtitle`],
      () => ['GET', `${objects}/${id(type)}?associations=${to}&propertiesWithHistory=jobtitle,made_1`],
      () => ['GET', `/crm/v3/objects/${type}/p${random.between(1, 40)}%40example.com?idProperty=email`],
      () => ['DELETE', `${objects}/${random.isLucky(0.3) ? id(type) : '2'}`],
      () => ['POST', `${pair}/read`, { inputs: several(() => ({ id: id(type) })) }],
      () => [
        'POST',
        `${pair}/create`,
        {
          inputs: several(() => ({
            from: { id: id(type) },
            to: { id: id(type) },
            types: [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: typeId(type) }],
          })),
        },
      ],
      () => ['PUT', `${objects}/${id(type)}/associations/default/${to}/${id(to)}`],
      () => ['DELETE', `${objects}/${id(type)}/associations/${to}/${id(to)}`],
      () => ['GET', definitions],
      () => [
        'POST',
        definitions,
        {
          name: `made_${random.between(1, 3)}`,
          label: `Made ${++made}`,
          type: 'string',
          fieldType: 'text',
          groupName: random.oneOf(['contactinformation', 'made']),
        },
      ],
      () => ['DELETE', `${definitions}/made_${random.between(1, 3)}`],
      () => ['POST', `${definitions}/groups`, { name: 'made', label: 'Made' }],
      () => ['DELETE', `${definitions}/groups/${random.oneOf(['made', 'contactinformation'])}`],
      () => ['GET', `/account-info/2026-03/details`],
      () => ['GET', `/crm/owners/2026-03?limit=${random.between(0, 3)}`],
      () => ['GET', '/crm/pipelines/2026-03/deals'],
      () => ['POST', '/oauth/v2/private-apps/get/access-token-info', { tokenKey: 'local-access-token' }],
      () => ['GET', `/nowhere/${id(type)}`],
      () => ['PUT', objects, {}],
      () => ['GET', `${objects}/%E0%A4%A`],
      () => ['GET', `${objects}?properties=${'p'.repeat(random.between(8000, 8300))}`],
    ];
    // Writes come first, and as often as all else.
    const most = random.isLucky(0.5) ? WRITING : choices.length;
    return choices[random.between(0, most - 1)]?.() ?? ['GET', '/'];
  };
  return {
    next() {
      const [method, path, given] = call();
      const whole = given === undefined ? undefined : JSON.stringify(given);
      const body = random.isLucky(0.02) ? whole?.slice(1) : whole;
      return { method, path, headers: headersOf(random), ...(body !== undefined && { body }) };
    },
    learn(text) {
      const known = ids[asked];
      for (const [, found] of text.matchAll(/"id":"(\d{11,})"/g))
        if (found !== undefined && !known.includes(found)) known.push(found);
    },
  };
}

/** Mostly the right token, now and then none, a wrong one, or no type. */
function headersOf(random: Random): Readonly<Record<string, string>> {
  if (random.isLucky(0.96)) return TOKEN;
  return random.oneOf<Readonly<Record<string, string>>>([
    {},
    { authorization: 'Bearer wrong' },
    { authorization: 'Basic abc' },
    { authorization: 'bearer local-access-token' },
  ]);
}
