// Bugs at the door, and in what an event is taken for.
import type { Variant } from './variant.ts';

const INGEST = 'lambdas/ingest.ts';
const HUBSPOT_EVENTS = 'lambdas/events/hubspot-events.ts';
const SCORER = 'lambdas/scorer.ts';

const AWARDS = 'lambdas/scoring/awards.ts';
/** The fold knows one change by its time and value, too, whatever its key: so a merge may tell it again under another record. */
const TOLD_AGAIN = '    if (isSame && other.record === undefined && fact.record === undefined) return true;';

/** Facts whose identity has something in it that is no part of what happened: an expression of what is put behind the key. */
function behindKey(expression: string): Variant['patches'] {
  return [
    {
      file: HUBSPOT_EVENTS,
      find: '  const { facts, properties } = observe(model, seen);',
      replace: `  const { facts: told, properties } = observe(model, seen);
  const facts = told.map((fact) => ({ ...fact, key: fact.key + (${expression}) }));`,
    },
    {
      file: AWARDS,
      find: TOLD_AGAIN,
      replace: `    const isOfOther = other?.key.split('.')[0] !== fact.key.split('.')[0];
    if (isSame && isOfOther && other.record === undefined && fact.record === undefined) return true;`,
    },
  ];
}

export const HEARING: readonly Variant[] = [
  {
    name: 'attempt-in-identity',
    wrong:
      'The number of the attempt is part of what happened: an event that HubSpot sends again counts again.',
    promise: 2,
    patches: behindKey("Number(event['attemptNumber']) > 0 ? '.' + String(event['attemptNumber']) : ''"),
  },
  {
    name: 'subscription-in-identity',
    wrong: 'The subscription is part of what happened: a change that two subscriptions tell of counts twice.',
    promise: 2,
    patches: behindKey("event.subscriptionType?.startsWith('object.') === true ? '.object' : ''"),
  },
  {
    name: 'receipt-in-identity',
    wrong: 'The time of receipt is part of an own signal: one that is sent again counts again.',
    promise: 2,
    patches: [
      {
        file: 'lambdas/events/hearing.ts',
        find: "  const key = factKey(context.portalId, 'signals', messageId, index);",
        replace:
          "  const key = factKey(context.portalId, 'signals', messageId, index, context.receivedAtMs);",
      },
    ],
  },
  {
    name: 'place-missing-from-identity',
    wrong: 'The signals of one message have one identity: all but one of them are lost.',
    promise: 2,
    patches: [
      {
        file: 'lambdas/events/hearing.ts',
        find: "  const key = factKey(context.portalId, 'signals', messageId, index);",
        replace: "  const key = factKey(context.portalId, 'signals', messageId, 0);",
      },
    ],
  },
  {
    name: 'workflow-receipt-in-identity',
    wrong: 'The time of receipt is part of a workflow signal: one that HubSpot sends again counts again.',
    promise: 2,
    patches: [
      {
        file: 'lambdas/events/workflow.ts',
        find: "  const key = factKey(portalId, 'workflow', workflowId, who, what);",
        replace: "  const key = factKey(portalId, 'workflow', workflowId, who, what, atMs);",
      },
      {
        file: 'lambdas/events/workflow.ts',
        find: '  const atMs = body.time ?? context.receivedAtMs;',
        replace: '  const atMs = context.receivedAtMs;',
      },
    ],
  },
  {
    name: 'answered-before-queued',
    wrong: 'A request is acknowledged before the queue took it: what the queue then refuses is lost.',
    promise: 1,
    patches: [
      {
        file: 'lambdas/store/events-queue.ts',
        find: '    await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify(envelope) }));',
        replace: `    const sending = client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: JSON.stringify(envelope) }));
    void Promise.resolve(sending).catch(() => undefined);`,
      },
    ],
  },
  {
    name: 'own-fault-answered-4xx',
    wrong: 'A fault of ours is answered with 400, as if the caller were to blame.',
    promise: 1,
    patches: [
      {
        file: INGEST,
        find: "  return answer(500, { message: 'not accepted; send it again' });",
        replace: "  return answer(400, { message: 'not accepted; send it again' });",
      },
    ],
  },
  {
    name: 'signature-not-checked',
    wrong: 'Whoever knows the address can tell us anything: signatures are not looked at.',
    promise: 1,
    patches: [
      {
        file: INGEST,
        find: '  if (isAuthentic(claim, await secret.read(), clock())) return true;',
        replace: '  if (claim.route.length > 0) return true;',
      },
    ],
  },
  {
    name: 'unsigned-binding',
    wrong: "Whose a browser is may be said without a signature: anybody can lay visits at somebody's door.",
    promise: 1,
    patches: [
      {
        file: 'lambdas/events/authenticity.ts',
        find: "  if (claim.route === '/signals') return isSignedSignal(claim, secret);",
        replace:
          "  if (claim.route === '/signals') return isSignedSignal(claim, secret) || claim.body.includes('\"identify\"');",
      },
    ],
  },
  {
    name: 'foreign-portal-accepted',
    wrong: "Events of another portal are taken for our own contacts'.",
    promise: 6,
    patches: [
      {
        file: HUBSPOT_EVENTS,
        find: '  if (event.portalId !== context.portalId) return { dropped: ANOTHER_PORTAL };',
        replace: '',
      },
    ],
  },
  {
    name: 'dead-letter-without-reason',
    wrong: 'What is set aside does not say why.',
    promise: 4,
    patches: [
      {
        file: SCORER,
        find: '  await reject(rejected.map(({ reason, event }) => ({ reason, event })));',
        replace: "  await reject(rejected.map(({ event }) => ({ reason: '', event })));",
      },
    ],
  },
  {
    name: 'poison-dropped',
    wrong: 'What is not understood is dropped in silence.',
    promise: 4,
    patches: [
      {
        file: SCORER,
        find: '  await reject(rejected.map(({ reason, event }) => ({ reason, event })));',
        replace: '  await reject([]);',
      },
    ],
  },
  {
    name: 'poison-holds-up-its-message',
    wrong:
      'An event that is never understood fails its whole message: it comes again until all of it is a dead letter.',
    promise: 4,
    patches: [
      {
        file: SCORER,
        find: '    const failed = new Set<string>();',
        replace:
          '    const failed = new Set(messages.flatMap(({ messageId, rejected }) => (rejected.length > 0 ? [messageId] : [])));',
      },
    ],
  },
  {
    name: 'refused-entries-forgotten',
    wrong: 'Messages of a batch that SQS declined are taken for sent.',
    promise: 3,
    patches: [
      {
        file: 'lambdas/store/queues.ts',
        find: '    if (first !== undefined)\n',
        replace: "    if (first?.Code === 'never')\n",
      },
    ],
  },
  {
    name: 'address-logged',
    wrong: 'Write-back logs the addresses that nobody is known by.',
    promise: 7,
    patches: [
      {
        file: 'lambdas/write-back.ts',
        find: '    unknownAddresses,\n    companiesTold,',
        replace: '    unknownAddresses: ended.map(({ errand }) => errand.request.email),\n    companiesTold,',
      },
    ],
  },
];
