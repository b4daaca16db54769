import { createHash } from 'node:crypto';
import type { Credit, CreditedDeal, SourceCredit } from '../attribution/credit.ts';
import { MODEL_NAMES } from '../attribution/models.ts';
import { amountText, moneyText } from '../attribution/money.ts';
import type { Model } from '../scoring/model.ts';
import { CREDIT_MODELS, type CreditModel } from '../scoring/model-file.ts';
import { isAiSource, labelOf } from '../scoring/sources.ts';
import {
  AI_GROUP,
  BOOL,
  type Kind,
  LONG_TEXT,
  NUMBER,
  type OutputProperty,
  TEXT,
  WRITE_ID_PROPERTY,
} from './output-property.ts';

/** Sources that are told of a deal, a line each; the others are one line more. */
const SOURCE_LINES = 10;

/** The property that shows how much of a deal AI assistants are credited with by a model. */
function amountProperty(model: CreditModel): string {
  return `afterglow_ai_amount_${model.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
}

function output(name: string, label: string, kind: Kind, description: string): OutputProperty {
  return { name, label, description, ...kind, groupName: AI_GROUP.name };
}

const INFLUENCED = output(
  'afterglow_ai_influenced',
  'Afterglow AI-influenced',
  BOOL,
  'Whether an AI assistant brought one of the visits that the deal is credited to.',
);
const AMOUNTS = CREDIT_MODELS.map((model) =>
  output(
    amountProperty(model),
    `Afterglow AI amount, ${MODEL_NAMES[model]}`,
    NUMBER,
    'What AI assistants are credited with, in the currency of the deal.',
  ),
);
const OTHERS: readonly OutputProperty[] = [
  output('afterglow_top_source', 'Afterglow top source', TEXT, 'The source that is credited with most.'),
  output('afterglow_sources', 'Afterglow sources', LONG_TEXT, 'What each source is credited with.'),
  output(
    'afterglow_attribution_model',
    'Afterglow attribution model',
    TEXT,
    'How credit was given, the first for the sources, and the name and content hash of the model.',
  ),
  output(WRITE_ID_PROPERTY, 'Afterglow write id', TEXT, 'Tells Afterglow which of its writes stands here.'),
];

/** Every property that a deal may ever have shown. */
export const DEAL_OUTPUTS: readonly OutputProperty[] = [INFLUENCED, ...AMOUNTS, ...OTHERS];

/** The properties that deals show; none where the model asks for no visits. */
export function dealOutputs({ attribution }: Model): OutputProperty[] {
  if (attribution === undefined) return [];
  const amounts = attribution.models.map(amountProperty);
  return [INFLUENCED, ...AMOUNTS.filter(({ name }) => amounts.includes(name)), ...OTHERS];
}

/**
 * What a batch update sends for a deal, but for the write id: text, `''` to clear. Nothing where the model asks for no visits.
 *
 * @param credit - as it was computed by this model
 */
export function dealOutputValues(
  { currency }: Pick<CreditedDeal, 'currency'>,
  credit: Credit,
  { attribution, sources, id }: Pick<Model, 'attribution' | 'sources' | 'id'>,
): Record<string, string> {
  if (attribution === undefined) return {};
  const { models } = attribution;
  const [first] = models;
  const given = (first && credit.byModel[first]) ?? [];
  const [top] = given;
  return {
    [INFLUENCED.name]: String(credit.path.some(isAiSource)),
    ...Object.fromEntries(models.map((model) => [amountProperty(model), aiAmount(credit, model)])),
    afterglow_top_source: top === undefined ? '' : labelOf(top.source, sources),
    afterglow_sources: sourceLines(given, credit, currency, (source) => labelOf(source, sources)),
    afterglow_attribution_model: `${models.join(', ')} · ${id}`,
  };
}

/** Tells one write of a deal from another; the same where all is the same. */
export function dealWriteId(
  portalId: string,
  dealId: string,
  values: Readonly<Record<string, string>>,
): string {
  const content = JSON.stringify([portalId, 'deal', dealId, ...Object.entries(values).flat()]);
  return createHash('sha256').update(content).digest('base64url').slice(0, 22);
}

/** Empty for a deal without an amount, and while a model has nothing to go by. */
function aiAmount({ byModel, units, decimals }: Credit, model: CreditModel): string {
  const given = byModel[model];
  if (given === undefined || units === undefined) return '';
  return amountText(sumOf(given.filter(({ source }) => isAiSource(source))), decimals);
}

function sumOf(given: readonly SourceCredit[]): bigint {
  return given.reduce((sum, { units }) => sum + units, 0n);
}

function sourceLines(
  given: readonly SourceCredit[],
  { units, decimals }: Credit,
  currency: string,
  nameOf: (source: string) => string,
): string {
  const lines = given.slice(0, SOURCE_LINES).map(({ source, share, units: part }) => {
    const percent = `${Math.round(share * 100)} %`;
    if (units === undefined) return `${nameOf(source)} ${percent}`;
    return `${nameOf(source)} ${moneyText({ units: part, decimals }, currency)} (${percent})`;
  });
  const rest = given.slice(SOURCE_LINES);
  if (rest.length === 0) return lines.join('\n');
  const sum = units === undefined ? '' : ` ${moneyText({ units: sumOf(rest), decimals }, currency)}`;
  return [...lines, `and ${rest.length} more${sum}`].join('\n');
}
