// How much CPU it takes to verify a request of 100 events and read it as JSON, beside the least that could do it.
import { createHmac } from 'node:crypto';
import { cpus } from 'node:os';
import { isAuthentic } from '../lambdas/events/authenticity.ts';
import { readHubSpotEvents } from '../lambdas/events/hubspot-events.ts';
import { readJson } from '../lambdas/events/json.ts';
import { signV3 } from '../lambdas/events/signature.ts';
import { checkModel } from '../lambdas/scoring/model.ts';

const GOAL_CPU_MS = 1;
/** Enough that a pause of the machine does not move the median. */
const ROUNDS = 400;
const WARM_UP_ROUNDS = 200;
const EVENTS = 100;

const SECRET = 'local-client-secret';
const PUBLIC_URL = 'https://hooks.example.com';
const NOW_MS = 1787843216000;

function requestBody(): Buffer {
  const events = Array.from({ length: EVENTS }, (_, at) => ({
    eventId: 4101286121 + at,
    subscriptionId: 7562680,
    portalId: 247187887,
    appId: 50780459,
    occurredAt: 1787843156000 + at,
    subscriptionType: 'contact.propertyChange',
    attemptNumber: 0,
    objectId: 541935488729 + at,
    propertyName: 'hs_analytics_last_url',
    propertyValue: `https://www.example.com/pricing?visit=${at}`,
    changeSource: 'CRM_UI',
    sourceId: 'userId:882761034',
  }));
  return Buffer.from(JSON.stringify(events));
}

/** Median CPU milliseconds (user and system) of one call. */
function medianCpuMs(measured: () => void): number {
  for (let round = 0; round < WARM_UP_ROUNDS; round++) measured();
  const took = Array.from({ length: ROUNDS }, () => {
    const before = process.cpuUsage();
    measured();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return took.toSorted((a, b) => a - b)[ROUNDS / 2] ?? Number.NaN;
}

export interface IngestFigures {
  readonly events: number;
  readonly bytes: number;
  /** Verify and parse, as ingest does; goal: at most 1. */
  readonly verifyAndParseCpuMs: number;
  /** The least: `createHmac` over the parts and `JSON.parse`. */
  readonly bareCpuMs: number;
  readonly ratioToBare: number;
  /** Events into facts, as the scorer does. */
  readonly normaliseCpuMs: number;
  readonly goalCpuMs: number;
  readonly isGoalMet: boolean;
  readonly cpu: string;
}

/** Measures one request of 100 events; the figures are of this machine, the ratio less so. */
export async function run(): Promise<IngestFigures> {
  const body = requestBody();
  const route = '/webhooks/hubspot';
  const uri = `${PUBLIC_URL}${route}`;
  const timestamp = String(NOW_MS);
  const signature = signV3({ method: 'POST', uri, body }, timestamp, SECRET);
  const headers = { 'x-hubspot-request-timestamp': timestamp, 'x-hubspot-signature-v3': signature };
  const claim = {
    route,
    method: 'POST',
    rawQuery: '',
    headers,
    body,
    publicUrl: PUBLIC_URL,
    isV2Accepted: false,
  } as const;
  const secret = { clientSecret: SECRET };

  const bareCpuMs = medianCpuMs(() => {
    const digest = createHmac('sha256', SECRET)
      .update(`POST${uri}`)
      .update(body)
      .update(timestamp)
      .digest('base64');
    if (digest !== signature) throw new Error('the bare signature differs');
    JSON.parse(body.toString('utf8'));
  });
  const verifyAndParseCpuMs = medianCpuMs(() => {
    if (!isAuthentic(claim, secret, NOW_MS)) throw new Error('the signature does not match');
    readJson(body);
  });
  const events = readJson(body);
  const context = { model: emptyModel(), portalId: '247187887', ownAppIds: [], receivedAtMs: NOW_MS };
  const normaliseCpuMs = medianCpuMs(() => {
    if (readHubSpotEvents(events, context).heard.length !== EVENTS)
      throw new Error('not every event was heard');
  });

  return {
    events: EVENTS,
    bytes: body.length,
    verifyAndParseCpuMs,
    bareCpuMs,
    ratioToBare: Number((verifyAndParseCpuMs / bareCpuMs).toFixed(2)),
    normaliseCpuMs,
    goalCpuMs: GOAL_CPU_MS,
    isGoalMet: verifyAndParseCpuMs <= GOAL_CPU_MS,
    cpu: cpus()[0]?.model ?? 'unknown',
  };
}

function emptyModel() {
  const checked = checkModel({
    name: 'bench',
    fit: { rules: [] },
    engagement: { signals: [] },
    grades: { bands: [{ grade: 'A', from: 0 }] },
  });
  if ('problems' in checked) throw new Error('the model of the benchmark is not one');
  return checked.model;
}
