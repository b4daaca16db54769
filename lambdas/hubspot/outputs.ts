import { gradeNames } from '../scoring/display.ts';
import type { Model } from '../scoring/model.ts';
import { type Shown, statuses } from '../scoring/show.ts';
import { asInstant, asNumber } from '../scoring/values.ts';
import type { HubSpotRecord } from './objects.ts';

/** The property group that holds everything Afterglow writes. */
export const OUTPUT_GROUP = { name: 'afterglow', label: 'Afterglow', displayOrder: -1 } as const;

/** A property Afterglow writes, as HubSpot's properties API takes it. */
export interface OutputProperty {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  readonly type: 'number' | 'string' | 'enumeration' | 'datetime';
  readonly fieldType: 'number' | 'text' | 'textarea' | 'select' | 'date';
  readonly groupName: string;
  readonly options?: readonly {
    readonly label: string;
    readonly value: string;
    readonly displayOrder: number;
  }[];
}

/** The property that tells which write HubSpot shows. */
export const WRITE_ID_PROPERTY = 'afterglow_write_id';

type Kind = Pick<OutputProperty, 'type' | 'fieldType'>;

const NUMBER: Kind = { type: 'number', fieldType: 'number' };
const TEXT: Kind = { type: 'string', fieldType: 'text' };
const LONG_TEXT: Kind = { type: 'string', fieldType: 'textarea' };
const CHOICE: Kind = { type: 'enumeration', fieldType: 'select' };
const INSTANT: Kind = { type: 'datetime', fieldType: 'date' };

/** The property of a company that shows what is rolled up from its contacts. */
export const COMPANY_SCORE_PROPERTY = 'afterglow_company_score';

const COMPANY_SCORE: OutputProperty = {
  name: COMPANY_SCORE_PROPERTY,
  label: 'Afterglow company score',
  description: 'Rolled up from the scores of the contacts whose primary company this is.',
  ...NUMBER,
  groupName: OUTPUT_GROUP.name,
};

const OUTPUTS: readonly (readonly [name: string, label: string, kind: Kind, description: string])[] = [
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

/** The properties Afterglow writes, by the kind of record that has them. */
export interface OutputProperties {
  readonly contacts: readonly OutputProperty[];
  /** None where the model rolls nothing up. */
  readonly companies: readonly OutputProperty[];
}

/** Every property that Afterglow may ever have made, whichever models were deployed. */
export const OUTPUT_NAMES: Readonly<Record<keyof OutputProperties, readonly string[]>> = {
  contacts: OUTPUTS.map(([name]) => name),
  companies: [COMPANY_SCORE_PROPERTY],
};

/** Every property Afterglow writes. @param model - its grades and statuses are the options of two of them */
export function outputProperties(model: Model): OutputProperties {
  const contacts = OUTPUTS.map(([name, label, kind, description]) => {
    const property = { name, label, description, ...kind, groupName: OUTPUT_GROUP.name };
    if (name === 'afterglow_grade')
      return { ...property, options: inOrder(gradeNames(model).map((value) => ({ value, label: value }))) };
    return name === 'afterglow_status' ? { ...property, options: inOrder(statuses(model)) } : property;
  });
  return { contacts, companies: model.companyScore === undefined ? [] : [COMPANY_SCORE] };
}

function inOrder(
  choices: readonly { readonly value: string; readonly label: string }[],
): NonNullable<OutputProperty['options']> {
  return choices.map(({ value, label }, displayOrder) => ({ label, value, displayOrder }));
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
  ...OUTPUTS.map(([name, , { type }]) => [name, type] as const),
  [COMPANY_SCORE_PROPERTY, COMPANY_SCORE.type] as const,
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
