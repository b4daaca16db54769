import { gradeNames } from '../scoring/display.ts';
import type { Journey } from '../scoring/journey.ts';
import { type Model, usesTouches } from '../scoring/model.ts';
import { type Shown, statuses } from '../scoring/show.ts';
import { asInstant, asNumber } from '../scoring/values.ts';
import { DEAL_OUTPUTS, dealOutputs } from './deal-outputs.ts';
import type { HubSpotRecord } from './objects.ts';
import {
  AI_GROUP,
  BOOL,
  CHOICE,
  INSTANT,
  inOrder,
  type Kind,
  LONG_TEXT,
  NUMBER,
  OUTPUT_GROUP,
  type OutputProperty,
  TEXT,
  WRITE_ID_PROPERTY,
} from './output-property.ts';

/** The property by which a form tells whose browser it is. No output: a hidden field fills it, and nothing else writes it. */
export const VISITOR_ID_PROPERTY: OutputProperty = {
  name: 'afterglow_visitor_id',
  label: 'Afterglow visitor id',
  description:
    'Tells which browser this is, by a hidden field of a form. Random, and filled in by the snippet.',
  ...TEXT,
  groupName: AI_GROUP.name,
  formField: true,
};

/** The property of a company that shows what is rolled up from its contacts. */
export const COMPANY_SCORE_PROPERTY = 'afterglow_company_score';

const COMPANY_SCORE: OutputProperty = {
  name: COMPANY_SCORE_PROPERTY,
  label: 'Afterglow company score',
  description: 'Rolled up from the scores of the contacts whose primary company this is.',
  ...NUMBER,
  groupName: OUTPUT_GROUP.name,
};

type Output = readonly [name: string, label: string, kind: Kind, description: string];

const OUTPUTS: readonly Output[] = [
  [
    'afterglow_score',
    'Afterglow score',
    NUMBER,
    'Fit plus engagement as it stands now, inside the range of the model.',
  ],
  ['afterglow_fit_score', 'Afterglow fit', NUMBER, 'Points for who the contact is. Does not fade.'],
  [
    'afterglow_engagement_score',
    'Afterglow engagement',
    NUMBER,
    'Points left of what the contact did. Fades.',
  ],
  [
    'afterglow_grade',
    'Afterglow grade',
    CHOICE,
    'Band of the score, or of fit and engagement. It falls a little later than it rises, so that it does not flap.',
  ],
  [
    'afterglow_status',
    'Afterglow status',
    CHOICE,
    'Whether there is a score, and if not, why: too little is known, or what excludes the contact.',
  ],
  [
    'afterglow_reasons',
    'Afterglow reasons',
    LONG_TEXT,
    'The strongest terms of the score, with the points as they were given.',
  ],
  ['afterglow_scored_at', 'Afterglow scored at', INSTANT, 'When another shown value last changed.'],
  [
    'afterglow_last_signal_at',
    'Afterglow last signal',
    INSTANT,
    'When the newest signal happened, as of the last write.',
  ],
  ['afterglow_model', 'Afterglow model', TEXT, 'Name and content hash of the scoring model.'],
  [WRITE_ID_PROPERTY, 'Afterglow write id', TEXT, 'Tells Afterglow which of its writes stands here.'],
];

/** What a contact shows besides, where the model asks for visits. */
const AI_OUTPUTS: readonly Output[] = [
  [
    'afterglow_ai_first_source',
    'Afterglow first AI source',
    TEXT,
    'The AI assistant that brought the contact first.',
  ],
  ['afterglow_ai_first_at', 'Afterglow first AI visit', INSTANT, 'When an AI assistant brought it first.'],
  [
    'afterglow_ai_first_page',
    'Afterglow first AI landing page',
    TEXT,
    'Where the first visit from an AI assistant began.',
  ],
  [
    'afterglow_ai_last_source',
    'Afterglow last AI source',
    TEXT,
    'The AI assistant that brought the contact last.',
  ],
  ['afterglow_ai_last_at', 'Afterglow last AI visit', INSTANT, 'When an AI assistant brought it last.'],
  [
    'afterglow_ai_last_page',
    'Afterglow last AI landing page',
    TEXT,
    'Where the last visit from an AI assistant began.',
  ],
  ['afterglow_ai_sessions', 'Afterglow AI visits', NUMBER, 'How many visits AI assistants brought.'],
  [
    'afterglow_ai_influenced',
    'Afterglow AI-influenced',
    BOOL,
    'Whether an AI assistant ever brought the contact.',
  ],
  ['afterglow_journey', 'Afterglow journey', LONG_TEXT, 'The visits of the contact, by source and date.'],
];

/** The properties Afterglow writes, by the kind of record that has them. */
export interface OutputProperties {
  readonly contacts: readonly OutputProperty[];
  /** None where the model rolls nothing up. */
  readonly companies: readonly OutputProperty[];
  /** None where the model asks for no visits. */
  readonly deals: readonly OutputProperty[];
}

/** Every property that Afterglow may ever have made, whichever models were deployed. */
export const OUTPUT_NAMES: Readonly<Record<keyof OutputProperties, readonly string[]>> = {
  contacts: [...OUTPUTS, ...AI_OUTPUTS].map(([name]) => name),
  companies: [COMPANY_SCORE_PROPERTY],
  deals: DEAL_OUTPUTS.map(({ name }) => name),
};

/** Every property that Afterglow may ever have made: what it writes, and what is filled in for it. */
export const PROVISIONED_NAMES: Readonly<Record<keyof OutputProperties, readonly string[]>> = {
  ...OUTPUT_NAMES,
  contacts: [...OUTPUT_NAMES.contacts, VISITOR_ID_PROPERTY.name],
};

/** Every property that Afterglow makes: what it writes, and what is filled in for it. */
export function provisionedProperties(model: Model): OutputProperties {
  const { contacts, ...others } = outputProperties(model);
  return { contacts: usesTouches(model) ? [...contacts, VISITOR_ID_PROPERTY] : contacts, ...others };
}

/** Every property Afterglow writes. @param model - its grades and statuses are the options of two of them */
export function outputProperties(model: Model): OutputProperties {
  const scored = OUTPUTS.map((output) => {
    const property = propertyOf(output, OUTPUT_GROUP.name);
    const { name } = property;
    if (name === 'afterglow_grade')
      return { ...property, options: inOrder(gradeNames(model).map((value) => ({ value, label: value }))) };
    return name === 'afterglow_status' ? { ...property, options: inOrder(statuses(model)) } : property;
  });
  const visits = usesTouches(model) ? AI_OUTPUTS.map((output) => propertyOf(output, AI_GROUP.name)) : [];
  const contacts = [...scored, ...visits];
  return {
    contacts,
    companies: model.companyScore === undefined ? [] : [COMPANY_SCORE],
    deals: dealOutputs(model),
  };
}

function propertyOf([name, label, kind, description]: Output, groupName: string): OutputProperty {
  return { name, label, description, ...kind, groupName };
}

/**
 * What a batch update sends for a contact: text, `''` to clear.
 *
 * @param shownAtMs - epoch milliseconds at which a shown value last changed
 * @param lastSignalAtMs - epoch milliseconds of the newest signal that counts
 */
export function outputValues(
  shown: Shown,
  writeId: string,
  shownAtMs: number | undefined,
  lastSignalAtMs: number | undefined,
): Record<string, string> {
  return {
    afterglow_score: numberText(shown.score),
    afterglow_fit_score: numberText(shown.fit),
    afterglow_engagement_score: numberText(shown.engagement),
    afterglow_grade: shown.grade,
    afterglow_status: shown.status,
    afterglow_reasons: shown.reasons,
    afterglow_scored_at: instantText(shownAtMs),
    afterglow_last_signal_at: instantText(lastSignalAtMs),
    afterglow_model: shown.model,
    [WRITE_ID_PROPERTY]: writeId,
    ...(shown.journey !== undefined && journeyValues(shown.journey)),
  };
}

function journeyValues({ firstAi, lastAi, aiSessions, text }: Journey): Record<string, string> {
  return {
    afterglow_ai_first_source: firstAi?.source ?? '',
    afterglow_ai_first_at: instantText(firstAi?.atMs),
    afterglow_ai_first_page: firstAi?.page ?? '',
    afterglow_ai_last_source: lastAi?.source ?? '',
    afterglow_ai_last_at: instantText(lastAi?.atMs),
    afterglow_ai_last_page: lastAi?.page ?? '',
    afterglow_ai_sessions: String(aiSessions),
    afterglow_ai_influenced: String(aiSessions > 0),
    afterglow_journey: text,
  };
}

/** The same for a company. @param score - null where none of its contacts has one */
export function companyOutputValues(score: number | null): Record<string, string> {
  return { [COMPANY_SCORE_PROPERTY]: numberText(score) };
}

/** Shown as of the last write: a newer moment is no reason to write, so the table may know better, also of a value that came back. */
const AS_OF_LAST_WRITE: readonly string[] = ['afterglow_scored_at', 'afterglow_last_signal_at'];

/**
 * Of which outputs a record shows something else than it is to, by what they mean: `7.0` is 7, and an instant is the same in any
 * notation.
 *
 * @param values - what is sent, by name
 * @param shown - what HubSpot has
 */
export function differingOutputs(
  values: Readonly<Record<string, string>>,
  shown: HubSpotRecord['properties'],
): string[] {
  return Object.keys(values).filter((name) => {
    if (AS_OF_LAST_WRITE.includes(name)) return false;
    return meaningOf(name, values[name] ?? '') !== meaningOf(name, shown[name] ?? '');
  });
}

const OUTPUT_TYPES = new Map([
  ...[...OUTPUTS, ...AI_OUTPUTS].map(([name, , { type }]) => [name, type] as const),
  [COMPANY_SCORE_PROPERTY, COMPANY_SCORE.type] as const,
  ...DEAL_OUTPUTS.map(({ name, type }) => [name, type] as const),
]);

function meaningOf(name: string, value: string): string | number {
  const text = value.trim().replaceAll('\r\n', '\n');
  const type = OUTPUT_TYPES.get(name);
  if (type === 'number') return asNumber(text) ?? text;
  return type === 'datetime' ? (asInstant(text) ?? text) : text;
}

/** A missing score is never a fake 0. */
function numberText(points: number | null): string {
  return points === null ? '' : String(points);
}

function instantText(ms: number | undefined): string {
  return ms === undefined ? '' : new Date(ms).toISOString();
}
