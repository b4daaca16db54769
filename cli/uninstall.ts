import { HubSpotError } from '../lambdas/hubspot/answer.ts';
import { type OutputProperties, PROVISIONED_NAMES } from '../lambdas/hubspot/outputs.ts';
import {
  archiveGroup,
  archiveProperty,
  type ProvisionedGroup,
  type Provisions,
  readProvisions,
} from '../lambdas/hubspot/removal.ts';
import { findUses, mentioned, type PropertyUse, type Unseen } from '../lambdas/hubspot/usage.ts';
import { reasonOf } from './doctor/verdict.ts';
import { type Asking, askYes } from './secret-input.ts';
import type { Target } from './target.ts';

type Kind = keyof OutputProperties;
const KINDS = ['contacts', 'companies', 'deals'] as const;

/** How long HubSpot keeps what was archived (HubSpot knowledge base, "Organize and export properties", read 2026-11). */
const KEPT_DAYS = 90;
/** How long AWS keeps the backups of a table with point-in-time recovery after it was deleted. */
const BACKUP_DAYS = 35;

type Left = Omit<Provisions, 'calculated'>;

/** What is left of Afterglow in a portal, and what uses it. */
export interface Survey {
  readonly portalId: string;
  /** Null where the token may not look, as with a model that never wrote to companies or deals. */
  readonly provisions: Readonly<Record<Kind, Left | null>>;
  readonly uses: readonly PropertyUse[];
  readonly unseen: readonly Unseen[];
}

/** What became of the properties and groups. */
export interface Removal {
  readonly archived: readonly string[];
  readonly kept: readonly { readonly name: string; readonly why: string }[];
  readonly groups: readonly {
    readonly kind: Kind;
    readonly name: string;
    /** `left`: it holds what is somebody else's, and so is not ours to archive. */
    readonly did: 'archived' | 'left' | 'kept';
    readonly why?: string;
  }[];
}

type Portal = Pick<Target, 'portalId' | 'hubspotUrl' | 'send'>;

/**
 * Looks at what there is, and what uses it. Changes nothing.
 *
 * @throws HubSpotError when not even the properties of contacts can be read
 */
export async function survey({ portalId, hubspotUrl, send }: Portal): Promise<Survey> {
  const read = (kind: Kind) => readProvisions(hubspotUrl, send, kind, PROVISIONED_NAMES[kind]);
  const contacts = await read('contacts');
  const companies = await read('companies').catch(nullIfForbidden);
  const deals = await read('deals').catch(nullIfForbidden);
  const provisions = {
    contacts: leftOf(contacts),
    companies: companies && leftOf(companies),
    deals: deals && leftOf(deals),
  };
  // What stands in another group stays, but whoever uses it relies on what Afterglow writes.
  const names = KINDS.flatMap((kind) => {
    const { ours = [], elsewhere = [] } = provisions[kind] ?? {};
    return [...ours, ...elsewhere];
  });
  if (names.length === 0) return { portalId, provisions, uses: [], unseen: [] };
  const { uses, unseen } = await findUses(hubspotUrl, send, names);
  return {
    portalId,
    provisions,
    uses: [...calculations([contacts, companies, deals], names), ...uses],
    unseen,
  };
}

function nullIfForbidden(error: unknown): null {
  if (error instanceof HubSpotError && error.status === 403) return null;
  throw error;
}

function leftOf({ ours, elsewhere, groups }: Provisions): Left {
  return { ours, elsewhere, groups };
}

function calculations(found: readonly (Provisions | null)[], names: readonly string[]): PropertyUse[] {
  return found
    .flatMap((one) => one?.calculated ?? [])
    .flatMap(({ name, formula }) => {
      const properties = mentioned(formula, names);
      return properties.length === 0 ? [] : [{ kind: 'calculated properties', id: name, name, properties }];
    });
}

/** Whether properties of every kind of record were looked at: what was not may hold some of ours. */
export function isAllSeen({ provisions }: Survey): boolean {
  return KINDS.every((kind) => provisions[kind] !== null);
}

/** Whether nothing that was seen is left to archive. */
export function isClean({ provisions }: Survey): boolean {
  return KINDS.every((kind) => {
    const { ours = [], groups = [] } = provisions[kind] ?? {};
    return ours.length === 0 && groups.every(({ others }) => others.length > 0);
  });
}

/**
 * Archives the properties, then the groups. What cannot be archived is told and left; running it again goes on from there.
 */
export async function remove(portal: Portal, { provisions }: Survey): Promise<Removal> {
  const archived: string[] = [];
  const kept: Removal['kept'][number][] = [];
  const groups: Removal['groups'][number][] = [];
  for (const kind of KINDS) {
    const found = provisions[kind];
    if (found === null) continue;
    const notArchived: Removal['kept'][number][] = [];
    for (const name of found.ours) {
      const why = await whyKept(() => archiveProperty(portal.hubspotUrl, portal.send, kind, name));
      if (why === undefined) archived.push(name);
      else notArchived.push({ name, why });
    }
    for (const group of found.groups)
      groups.push(
        await removeGroup(
          portal,
          kind,
          group,
          notArchived.some(({ name }) => group.ours.includes(name)),
        ),
      );
    kept.push(...notArchived);
  }
  return { archived, kept, groups };
}

async function removeGroup(
  { hubspotUrl, send }: Portal,
  kind: Kind,
  { name, others }: ProvisionedGroup,
  isOursLeft: boolean,
): Promise<Removal['groups'][number]> {
  if (others.length > 0) {
    const why = `it holds properties that are not Afterglow's: ${others.join(', ')}`;
    return { kind, name, did: 'left', why };
  }
  if (isOursLeft) return { kind, name, did: 'kept', why: 'it still holds properties of Afterglow' };
  const why = await whyKept(() => archiveGroup(hubspotUrl, send, kind, name));
  return why === undefined ? { kind, name, did: 'archived' } : { kind, name, did: 'kept', why };
}

/** @returns undefined when it is done */
async function whyKept(act: () => Promise<void>): Promise<string | undefined> {
  try {
    await act();
    return undefined;
  } catch (error) {
    if (!(error instanceof HubSpotError)) return reasonOf(error);
    if (error.users.length > 0)
      return `in use by ${error.users.map(({ kind, id }) => `${kind} ${id}`).join(', ')}`;
    return `${reasonOf(error)}${error.subCategory === undefined ? '' : `, ${error.subCategory}`}`;
  }
}

/** Whether all was archived that there was. */
export function isComplete({ kept, groups }: Removal): boolean {
  return kept.length === 0 && groups.every(({ did }) => did !== 'kept');
}

/** What there is, for people who are to decide. */
export function formatSurvey(found: Survey): string {
  const { portalId, provisions } = found;
  const lines = KINDS.flatMap((kind) => provisionLines(kind, provisions[kind]));
  if (lines.length === 0) return `Portal ${portalId}: nothing of Afterglow's is left to archive.`;
  return [
    isClean(found) ? `Portal ${portalId}: nothing was found that is to be archived.` : `Portal ${portalId}`,
    ...lines,
    ...usageLines(found),
  ].join('\n');
}

/** Nothing where there is no property that anybody could use. */
function usageLines({ provisions, uses, unseen }: Survey): string[] {
  const ours = KINDS.flatMap((kind) => provisions[kind]?.ours ?? []);
  const elsewhere = KINDS.flatMap((kind) => provisions[kind]?.elsewhere ?? []);
  if (ours.length + elsewhere.length === 0) return [];
  const used = ours.filter((name) => uses.some(({ properties }) => properties.includes(name)));
  return [
    '',
    uses.length === 0 ? 'Nothing that can be looked at uses them.' : 'What uses them:',
    ...uses.map(
      ({ kind, id, name, properties }) => `  ${kind}: "${name}" (${id}) names ${properties.join(', ')}`,
    ),
    ...(used.length === 0
      ? []
      : [
          `HubSpot refuses to archive a property in use, also by what is switched off: ${used.join(', ')}. Take it out of these first.`,
        ]),
    ...unseen.map(
      ({ kind, scope, reason }) =>
        `NOT LOOKED AT: ${kind} (${reason}). Give the app the scope ${scope}, or look at them in HubSpot by hand.`,
    ),
    'No API tells of reports, dashboards, saved views, record pages, e-mails and imports: look there by hand. HubSpot archives a property all the same.',
  ];
}

function provisionLines(kind: Kind, found: Left | null): string[] {
  if (found === null)
    return [
      `  ${kind}: NOT LOOKED AT, the token may not read their properties: give the app the scope crm.schemas.${kind}.read, or look in HubSpot by hand for properties that begin with afterglow_`,
    ];
  const { ours, elsewhere, groups } = found;
  if (ours.length + elsewhere.length + groups.length === 0) return [];
  const names = ours.length === 0 ? 'no properties' : ours.join(', ');
  return [
    `  ${kind}: ${[names, ...groups.map(({ name }) => `the group ${name}`)].join('; ')}`,
    ...groups.flatMap(({ name, others }) =>
      others.length === 0
        ? []
        : [
            `    not Afterglow's, and in its group ${name}: ${others.join(', ')}; they stay, and so does the group`,
          ],
    ),
    ...(elsewhere.length === 0
      ? []
      : [`    of the same name, but in another group: ${elsewhere.join(', ')}; they stay`]),
  ];
}

/** What has to be known before anybody says yes. */
const BEFORE = `Archived properties vanish at once from records, lists and reports. Destroy the stack right afterwards, not before: its token is what this command
calls HubSpot with. In between, write-back finds the properties missing and raises the alarm UnwritableProperties; nothing else comes of it.`;

/**
 * Asks who sits at the terminal, if anybody does.
 *
 * @param isShown - whether the survey stands on the terminal already
 * @returns whether to archive what was found
 */
export async function isAgreed(found: Survey, isShown: boolean, asking: Asking): Promise<boolean> {
  const say = (text: string): unknown => asking.output.write(`${text}\n`);
  if (asking.input.isTTY !== true) {
    say('Nothing was archived. Look at what uses the properties, then give --yes.');
    return false;
  }
  if (!isShown) say(formatSurvey(found));
  say(`\n${BEFORE}\n`);
  const isYes = await askYes('Archive them?', asking);
  if (!isYes) say('Nothing was archived.');
  return isYes;
}

/** What was done, and what is left to do, for people. @param stack - undefined = the local system */
export function formatRemoval(removal: Removal, stack: string | undefined): string {
  const { archived, kept, groups } = removal;
  return [
    `Archived: ${archived.length === 0 ? 'nothing' : archived.join(', ')}`,
    ...kept.map(({ name, why }) => `NOT ARCHIVED: ${name}: ${why}`),
    ...groups.flatMap(({ kind, name, did, why }) => {
      const group = `the group ${name} of ${kind}`;
      if (did === 'archived') return [`Archived: ${group}`];
      return [`${did === 'left' ? 'Left' : 'NOT ARCHIVED'}: ${group}: ${why}`];
    }),
    '',
    ...(isComplete(removal)
      ? []
      : ['What is not archived stays as it is. Mend what is said of it, and run this again.']),
    `HubSpot keeps what was archived for ${KEPT_DAYS} days and then deletes it for good. \`npm run afterglow -- provision\` brings it back until then.`,
    ...(stack === undefined ? [] : byHand(stack)),
  ].join('\n');
}

function byHand(stack: string): string[] {
  return [
    '',
    'By hand, in this order:',
    `  1. Note the outputs ContactTableName of ${stack}, and the name of its secret IdentityKey: they outlive the stack.`,
    `  2. \`npx cdk destroy\`, now: until then the alarm UnwritableProperties is to be expected.`,
    '  3. In HubSpot, delete the app, whose webhooks now reach nobody, and workflows that post to the endpoint.',
    `  4. The table holds every fact and score: lift its deletion protection and delete it. Its backups go ${BACKUP_DAYS} days later.`,
    '  5. The secret IdentityKey: delete it when the table is gone and no backup is to be restored.',
  ];
}
