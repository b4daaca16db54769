import * as v from 'valibot';
import type { Route } from '../../lambdas/events/envelope.ts';
import { KIB, NOW_MS } from './requests.ts';

/** What came of a body. */
export const Cost = v.object({
  name: v.string(),
  /** Of the hostile body, and of the harmless one: the least of several runs, milliseconds of the process's own time. */
  cpuMs: v.number(),
  harmlessCpuMs: v.number(),
  /** Most memory the process held until then, in MiB. */
  peakMib: v.number(),
  statusCode: v.optional(v.number()),
  answerBytes: v.number(),
  deadLetters: v.number(),
  facts: v.number(),
  properties: v.number(),
});
export type Cost = v.InferOutput<typeof Cost>;

const LARGEST = 512 * KIB;

const EVENT =
  `"portalId":33,"objectId":7,"occurredAt":${NOW_MS},"subscriptionType":"contact.propertyChange",` +
  '"propertyName":"jobtitle"';
const SIGNAL = `"signal":"product.login","occurredAt":${NOW_MS},"contactId":"7"`;

/** As many members as a body holds beside what surrounds them, with commas between. */
function full(member: (at: number) => string, surroundings = ''): string {
  const members: string[] = [];
  let length = surroundings.length;
  for (let at = 0; ; at++) {
    const next = member(at);
    length += next.length + 1;
    if (length > LARGEST) return members.join(',');
    members.push(next);
  }
}

const keys = (value: string, surroundings: string) =>
  full((at) => `"k${at.toString(36)}":${value}`, surroundings);
const nested = (times: number, inner = '') => `${'['.repeat(times)}${inner}${']'.repeat(times)}`;
const DEEP = 100_000;
const LONG = '9007199254740993';

/** Real events, to the same size. */
export function harmlessBody(length: number): string {
  const event = `{${EVENT},"propertyValue":"Head of IT"}`;
  const body = `[${Array(Math.max(1, Math.floor(length / (event.length + 1)) - 1))
    .fill(event)
    .join(',')}]`;
  return body.padEnd(length);
}

interface HostileBody {
  readonly name: string;
  readonly route: Route;
  readonly make: () => string;
}

/** What a body of 512 KiB can ask of whoever reads it; each is signed, as only that is read. */
export const BODIES: readonly HostileBody[] = [
  ...(['/webhooks/hubspot', '/webhooks/workflow', '/signals'] as const).flatMap((route) => [
    { name: `arrays, 100,000 deep, to ${route}`, route, make: () => nested(DEEP) },
    { name: `arrays, 100,000 deep around a long number, to ${route}`, route, make: () => nested(DEEP, LONG) },
    {
      name: `objects, 80,000 deep, to ${route}`,
      route,
      make: () => `${'{"a":'.repeat(80_000)}0${'}'.repeat(80_000)}`,
    },
    {
      name: `an array of as many zeros as fit, to ${route}`,
      route,
      make: () => `[${full(() => '0', '[]')}]`,
    },
    {
      name: `an array of as many objects as fit, to ${route}`,
      route,
      make: () => `[${full(() => '{}', '[]')}]`,
    },
    { name: `an object of as many keys as fit, to ${route}`, route, make: () => `{${keys('0', '{}')}}` },
    {
      name: `an object of as many numbered keys as fit, to ${route}`,
      route,
      make: () => `{${full((at) => `"${at * 65_521}":0`, '{}')}}`,
    },
    { name: `one key as often as it fits, to ${route}`, route, make: () => `{${full(() => '"a":0', '{}')}}` },
    { name: `long numbers, to ${route}`, route, make: () => `[${full(() => LONG, '[]')}]` },
    { name: `one number of 512 KiB, to ${route}`, route, make: () => '9'.repeat(LARGEST) },
    { name: `spaces, to ${route}`, route, make: () => `[${' '.repeat(LARGEST - 3)}0]` },
    { name: `escapes, to ${route}`, route, make: () => `["${'\\u0041'.repeat(87_000)}"]` },
  ]),
  {
    name: 'an event with 100,000 arrays as its value',
    route: '/webhooks/hubspot',
    make: () => `[{${EVENT},"propertyValue":${nested(DEEP)}}]`,
  },
  {
    name: 'an event of as many keys as fit',
    route: '/webhooks/hubspot',
    make: () => `[{${EVENT},"propertyValue":[],${keys('0', EVENT.padEnd(EVENT.length + 30))}}]`,
  },
  {
    name: "a workflow's body of as many properties as fit",
    route: '/webhooks/workflow',
    make: () => `{"contactId":7,${keys('0', '{"contactId":7}'.padEnd(20))}}`,
  },
  {
    name: 'a workflow of as many properties as fit',
    route: '/webhooks/workflow',
    make: () => `{"contactId":7,"properties":{${keys('0', ' '.repeat(40))}}}`,
  },
  {
    name: "HubSpot's default body of as many properties as fit",
    route: '/webhooks/workflow',
    make: () => `{"vid":7,"properties":{${keys('{}', ' '.repeat(40))}}}`,
  },
  {
    name: 'a property with as many versions as fit',
    route: '/webhooks/workflow',
    make: () => `{"vid":7,"properties":{"jobtitle":{"versions":[${full(() => '{}', ' '.repeat(60))}]}}}`,
  },
  {
    name: 'a signal of as many properties as fit, none of them right',
    route: '/signals',
    make: () => `{${SIGNAL},"properties":{${keys('[]', SIGNAL.padEnd(SIGNAL.length + 30))}}}`,
  },
  {
    name: '100 signals of 100 properties, none of them right',
    route: '/signals',
    make: () => {
      const properties = Array.from({ length: 100 }, (_, at) => `"K ${at}":[]`).join(',');
      return `[${Array(100).fill(`{${SIGNAL},"properties":{${properties}}}`).join(',')}]`;
    },
  },
  {
    name: 'a merge of as many records as fit',
    route: '/webhooks/hubspot',
    make: () =>
      `[{${EVENT.replace('contact.propertyChange', 'contact.merge')},"mergedObjectIds":[${full((at) => String(at), EVENT.padEnd(EVENT.length + 40))}]}]`,
  },
  {
    name: 'a merge of as many records as fit, none of them right',
    route: '/webhooks/hubspot',
    make: () =>
      `[{${EVENT.replace('contact.propertyChange', 'contact.merge')},"mergedObjectIds":[${full(() => '{}', EVENT.padEnd(EVENT.length + 40))}]}]`,
  },
];
