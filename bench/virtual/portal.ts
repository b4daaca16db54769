// The portal that all writers write to, and what is to stand there in the end.
import { join } from 'node:path';
import { readModelFile } from '../../cli/model-file.ts';
import { outputProperties, outputValues } from '../../lambdas/hubspot/outputs.ts';
import { gradeNames } from '../../lambdas/scoring/display.ts';
import type { Model } from '../../lambdas/scoring/model.ts';
import { type Shown, writeIdOf } from '../../lambdas/scoring/show.ts';
import type { Fault, FaultableCall } from '../../local/hubspot/faults.ts';
import type { Sleep } from '../../local/hubspot/landings.ts';
import { type Simulator, startSimulator } from '../../local/hubspot/simulator.ts';
import { randomOf } from '../random/random.ts';
import { LIMIT_PER_10_SECONDS } from './limits.ts';

export const PORTAL_ID = '1';
export const ACCESS_TOKEN = 'local-access-token';
/** Milliseconds that a call takes, least and most. */
const LATENCY_MS: readonly [number, number] = [200, 400];
const HIGHEST_SCORE = 100;

/** A contact whose score changed. */
export interface ChangedContact {
  readonly id: string;
  readonly shown: Shown;
  readonly writeId: string;
  /** When what is shown changed, and when the newest signal happened; epoch milliseconds. */
  readonly shownAtMs: number;
  readonly lastSignalAtMs: number;
  /** What HubSpot is to show, as a batch update takes it. */
  readonly properties: Readonly<Record<string, string>>;
}

export interface Verdict {
  /** Ids of the contacts that show the score they should. */
  readonly right: ReadonlySet<string>;
  /** Contacts whose score was written more than once. */
  readonly doubled: number;
}

export interface BenchPortal {
  readonly simulator: Simulator;
  readonly model: Model;
  readonly changed: readonly ChangedContact[];
  /** Looks at every contact. */
  judge(): Verdict;
}

export interface BenchPortalOptions {
  readonly contacts: number;
  readonly seed: number;
  readonly sleep: Sleep;
  readonly faults?: (call: FaultableCall) => Fault | undefined;
  /** Text properties of contacts that a writer asks for besides ours. */
  readonly moreProperties: readonly string[];
}

/** Starts a portal in which every contact shows the score before. It tells the time by `Date.now()`. */
export async function openBenchPortal(options: BenchPortalOptions): Promise<BenchPortal> {
  const { contacts, seed, sleep, faults } = options;
  const model = readModelFile(join(import.meta.dirname, '../../models/b2b-saas.yaml'));
  const simulator = await startSimulator({
    portalId: Number(PORTAL_ID),
    accessToken: ACCESS_TOKEN,
    rateLimitPer10Seconds: LIMIT_PER_10_SECONDS,
    latencyMs: LATENCY_MS,
    clock: () => Date.now(),
    sleep,
    seed,
    ...(faults !== undefined && { faults }),
  });
  const { crm } = simulator;
  const outputs = outputProperties(model);
  for (const type of ['contacts', 'companies'] as const) {
    for (const { options: choices = [], ...output } of outputs[type])
      crm.defineProperty(type, {
        ...output,
        options: choices.map((choice) => ({ ...choice, hidden: false })),
      });
  }
  const text = { type: 'string', fieldType: 'text', groupName: 'afterglow' };
  for (const name of options.moreProperties) crm.defineProperty('contacts', { name, ...text });

  const random = randomOf(seed);
  const grades = gradeNames(model);
  const changed = Array.from({ length: contacts }, (): ChangedContact => {
    const score = random.between(0, HIGHEST_SCORE);
    const fit = random.between(0, score);
    const before = (score + random.between(1, HIGHEST_SCORE)) % (HIGHEST_SCORE + 1);
    const id = crm.create('contacts', { afterglow_score: before });
    const shown: Shown = {
      score,
      fit,
      engagement: score - fit,
      grade: grades[random.between(0, grades.length - 1)] ?? '',
      status: 'scored',
      model: model.id,
      reasons: 'Viewed the pricing page: +15 (12 Oct 2026)\nHead of Sales: +20',
    };
    const writeId = writeIdOf(PORTAL_ID, id, shown);
    const shownAtMs = Date.now();
    const lastSignalAtMs = shownAtMs - random.between(0, 3_600_000);
    const properties = outputValues(shown, writeId, shownAtMs, lastSignalAtMs);
    return { id, shown, writeId, shownAtMs, lastSignalAtMs, properties };
  });
  return {
    simulator,
    model,
    changed,
    judge() {
      const scores = changed.map(({ id, shown }) => ({
        id,
        wanted: String(shown.score),
        written: crm.history('contacts', id, 'afterglow_score'),
      }));
      const right = scores.filter(({ wanted, written }) => written[0]?.value === wanted);
      return {
        right: new Set(right.map(({ id }) => id)),
        // The first value of all is the score before.
        doubled: scores.filter(({ written }) => written.length > 2).length,
      };
    },
  };
}
