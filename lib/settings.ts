import { distance } from 'fastest-levenshtein';
import * as v from 'valibot';

/** Where settings stand in the context of `cdk.json`; `-c afterglow.portalId=48221593` overrides one of them. */
const CONTEXT_KEY = 'afterglow';
const OVERRIDE_PREFIX = `${CONTEXT_KEY}.`;

/** Wrong settings. The message says which, why, and what would be right. */
export class SettingsError extends Error {
  override name = 'SettingsError';
}

/** A whole number within bounds; as text too, because `cdk -c` hands over nothing else. */
function wholeNumber(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`;
  const fromText = v.pipe(v.string(), v.regex(/^\d{1,9}$/), v.transform(Number));
  return v.pipe(
    v.union([v.number(), fromText], message),
    v.integer(message),
    v.minValue(min, message),
    v.maxValue(max, message),
  );
}

/** An id that HubSpot gave, kept as text. */
function hubSpotId(example: string) {
  const message = `must be an id of HubSpot's, digits only, like ${example}`;
  const fromNumber = v.pipe(v.number(), v.safeInteger(), v.transform(String));
  return v.pipe(v.union([v.string(), fromNumber], message), v.regex(/^[1-9]\d{0,18}$/, message));
}

const APP_ID = hubSpotId('50780459');
const APP_IDS = "must be a list of HubSpot's app ids";
const COMMA_SEPARATED = v.pipe(
  v.string(),
  v.transform((text) => (text === '' ? [] : text.split(',').map((part) => part.trim()))),
);
const YES_OR_NO = v.union(
  [
    v.boolean(),
    v.pipe(
      v.picklist(['true', 'false']),
      v.transform((text) => text === 'true'),
    ),
  ],
  'must be true or false',
);
/** As HubSpot names properties: lower case, digits and underscores, up to 100 characters. */
const PROPERTY_NAME = /^[a-z][a-z0-9_]{0,99}$/;
const NAME_OR_NOTHING =
  "must be the internal name of a custom property with unique values (HubSpot refuses email here), or '' for the record id";
const BASE_URL = v.pipe(
  v.string('must be text'),
  v.check(
    isBaseUrl,
    'must be like https://example.com or https://example.com/prefix (plain http on this machine only, no trailing slash, no query)',
  ),
);

/** As CloudFormation names stacks. AWS: CloudFormation API Reference, CreateStack, StackName, read 2026-11-22. */
const STACK_NAME = 'must be the name of a stack: a letter, then up to 127 letters, digits and hyphens';
/** As DynamoDB names tables. AWS: DynamoDB Developer Guide, "Naming rules", read 2026-11-22. */
const TABLE_NAME =
  "must be the name of a DynamoDB table (not its ARN), or '' for a table that the stack makes";
/** What tells a slip of the keyboard from an address; whether somebody reads there, the confirmation by SNS tells. */
const E_MAIL = "must be one e-mail address, or '' for none";

const NO_GROUP = 'must be an object of settings';

/** How scores reach HubSpot. */
const WRITE_BACK = v.object({
  /** Seconds for which changes are gathered before they are written: fewer calls, later scores. SQS allows 300. */
  windowSeconds: v.optional(wholeNumber(1, 300), 60),
  /** Write a contact whose grade rises at once, by a call of its own; everybody else travels in batches. */
  urgent: v.optional(YES_OR_NO, false),
  /** Custom unique property by which contacts are named to HubSpot; empty = the record id. */
  idProperty: v.optional(
    v.union(
      [
        v.literal(''),
        v.pipe(v.string(), v.regex(PROPERTY_NAME, NAME_OR_NOTHING), v.notValue('email', NAME_OR_NOTHING)),
      ],
      NAME_OR_NOTHING,
    ),
    '',
  ),
  /** A contact that would be written more often than this in an hour is in a loop with somebody, and held back. */
  mostWritesPerHour: v.optional(wholeNumber(1, 1_000), 20),
});

const ORIGINS =
  'must be origins of pages, like https://www.example.com (plain http on this machine only, no path, no slash at the end)';

/** What pages in browsers may tell. */
const SESSIONS = v.object({
  /** Origins whose pages may tell of visits; none = nobody may, and there is no route for it. */
  origins: v.optional(
    v.pipe(
      v.union([COMMA_SEPARATED, v.array(v.string())], ORIGINS),
      v.array(v.pipe(v.string(), v.check(isOrigin, ORIGINS))),
    ),
    [],
  ),
  /** Visits a second that are taken from browsers, and twice as many in a burst: the rest is refused before it costs anything. */
  ratePerSecond: v.optional(wholeNumber(1, 1_000), 20),
});

const SETTINGS = v.object({
  /** The id of the HubSpot account (portal) whose contacts are scored. */
  portalId: hubSpotId('48221593'),
  /** File of the scoring model, from the folder of `cdk.json`. */
  model: v.pipe(v.string('must be the path of a file'), v.nonEmpty('must be the path of a file')),
  /** The portal's time zone, by its IANA name: nights, dates in reasons and HubSpot's daily limit go by it. */
  timeZone: v.pipe(
    v.string('must be the IANA name of a time zone'),
    v.check(
      isTimeZone,
      'must be the IANA name of a time zone, like Europe/Berlin or UTC, in its usual spelling',
    ),
  ),
  writeBack: v.optional(v.pipe(v.unknown(), v.check(isGroup, NO_GROUP), WRITE_BACK), {}),
  sessions: v.optional(v.pipe(v.unknown(), v.check(isGroup, NO_GROUP), SESSIONS), {}),
  /** Hour of the night, in the portal's time zone, at which fading scores are looked for, and HubSpot is compared with the table. */
  nightlyHour: v.optional(wholeNumber(0, 23), 2),
  /** How often fading scores are looked for: every night, or every hour besides, so that they are shown on the hour they change. */
  decayEvery: v.optional(v.picklist(['night', 'hour'], "must be 'night' or 'hour'"), 'night'),
  /**
   * Share of the calls that HubSpot allows the portal in a day, in percent, that the nightly comparison of all records with the table may
   * take. A portal that is too large for it is gone through in the course of several nights, and what changed since the last every night.
   * 0 = no comparison.
   */
  reconcileDailyPercent: v.optional(wholeNumber(0, 50), 2),
  /** The address HubSpot calls when it is not the API's own, as with a domain of one's own; empty = the API's own. */
  publicUrl: v.optional(v.union([v.literal(''), BASE_URL]), ''),
  /** Accept signature v2 on the workflow route too: it does not protect against replay. */
  workflowV2: v.optional(YES_OR_NO, false),
  /** Ids of the HubSpot apps that write for Afterglow; what they change is not heard as a signal. */
  ownAppIds: v.optional(
    v.pipe(v.union([COMMA_SEPARATED, v.array(v.unknown())], APP_IDS), v.array(APP_ID, APP_IDS)),
    [],
  ),
  /** Days a fact is kept. */
  factRetentionDays: v.optional(wholeNumber(90, 3_650), 400),
  /** Calls HubSpot allows this token in any 10 seconds: 100 for Free and Starter, 190 above, 250 with the add-on. */
  hubspotLimitPer10Seconds: v.optional(wholeNumber(10, 1_000), 190),
  /** Of these, calls left to whoever else uses the same token. */
  hubspotReservePer10Seconds: v.optional(wholeNumber(0, 999), 20),
  /** Calls HubSpot allows the portal in a day, while its answers have not told: 250,000 for Free and Starter, more above. */
  hubspotDailyLimit: v.optional(wholeNumber(1_000, 10_000_000), 250_000),
  /** Of these, the share left to the portal's other apps, in percent: where it begins, nothing is written until midnight. */
  hubspotDailyReservePercent: v.optional(wholeNumber(0, 90), 10),
  /** Where HubSpot's API is: another server for a rehearsal. */
  hubspotApiUrl: v.optional(BASE_URL, 'https://api.hubapi.com'),
  /** What the stack is called, and the namespace of its metrics: a second one in the same account and region needs another name. */
  stackName: v.optional(
    v.pipe(v.string(STACK_NAME), v.regex(/^[A-Za-z][A-Za-z0-9-]{0,127}$/, STACK_NAME)),
    'Afterglow',
  ),
  /** Whom the alarms write to, once SNS has had it confirmed; empty = a topic without a subscriber. */
  alarmEmail: v.optional(
    v.union([v.literal(''), v.pipe(v.string(), v.email(E_MAIL), v.maxLength(254, E_MAIL))], E_MAIL),
    '',
  ),
  /** Estimated dollars of usage in a day above which an alarm goes off; 0 = no such alarm. */
  alarmDollarsPerDay: v.optional(wholeNumber(0, 100_000), 10),
  /**
   * Invocations of ingest at the same time: kept free for it, and no more, so that a flood of requests costs no more than this. 0 =
   * neither, for new accounts that may run only 10 functions at a time (AWS keeps 100 unreserved, and refuses the deployment otherwise).
   */
  ingestConcurrency: v.optional(wholeNumber(0, 10_000), 50),
  /** A table to use instead of one that the stack makes, such as one restored from a backup: with the same keys and all three indexes. */
  existingTableName: v.optional(
    v.union([v.literal(''), v.pipe(v.string(), v.regex(/^[A-Za-z0-9_.-]{3,255}$/, TABLE_NAME))], TABLE_NAME),
    '',
  ),
});

export type Settings = Readonly<v.InferOutput<typeof SETTINGS>>;

/** Settings that are groups of settings, by the names of what they hold. */
const GROUPS = new Map([
  ['writeBack', Object.keys(WRITE_BACK.entries)],
  ['sessions', Object.keys(SESSIONS.entries)],
]);
/** Every setting as it is called on the command line, such as `portalId` and `writeBack.urgent`. */
export const SETTING_NAMES = Object.keys(SETTINGS.entries).flatMap(
  (name) => GROUPS.get(name)?.map((member) => `${name}.${member}`) ?? [name],
);

/**
 * Reads the settings from the CDK's context.
 *
 * @param context - the whole context: an object under `afterglow`, and single settings as `afterglow.<name>`, which win; those of a
 * group as `afterglow.<group>.<name>`
 * @throws SettingsError naming every setting that is unknown, missing or wrong
 */
export function readSettings(context: Readonly<Record<string, unknown>>): Settings {
  const given = { ...named(readGroup(context[CONTEXT_KEY])), ...named(readOverrides(context)) };
  const complaints = Object.keys(given)
    .filter((name) => !SETTING_NAMES.includes(name) && !GROUPS.has(name))
    .map((name) => `"${name}" is not a setting; did you mean "${nearest(name, SETTING_NAMES)}"?`);

  const parsed = v.safeParse(SETTINGS, grouped(given));
  for (const { path = [], message } of parsed.issues ?? []) {
    const [first = '', second] = path.map(({ key }) => String(key));
    const name = GROUPS.has(first) && second !== undefined ? `${first}.${second}` : first;
    const value = given[name];
    complaints.push(
      value === undefined ? `"${name}" is missing` : `"${name}" ${message}, got ${JSON.stringify(value)}`,
    );
  }
  if (!parsed.success || complaints.length > 0) throw wrong(complaints);

  const { hubspotLimitPer10Seconds: limit, hubspotReservePer10Seconds: reserve } = parsed.output;
  if (reserve >= limit) {
    throw wrong([
      `"hubspotReservePer10Seconds" must be below "hubspotLimitPer10Seconds", got ${reserve} of ${limit}: nothing would be left`,
    ]);
  }
  return parsed.output;
}

/** Days for which facts outlive the horizon: what closely followed an old signal is judged by it. */
const MARGIN_DAYS = 2;

/**
 * Refuses to forget facts that the model still counts: scores would drop when the table happens to delete a row, and nobody would
 * be told.
 *
 * @throws SettingsError saying what would be right
 */
export function refuseShortRetention({ factRetentionDays }: Settings, horizonDays: number): void {
  const least = horizonDays + MARGIN_DAYS;
  if (factRetentionDays >= least) return;
  throw wrong([
    `"factRetentionDays" must be at least ${least}, got ${factRetentionDays}: the model counts signals for ${horizonDays} days (horizonDays)`,
  ]);
}

/**
 * Refuses to take visits from browsers that nobody would keep.
 *
 * @throws SettingsError saying what would be right
 */
export function refuseUnkeptSessions({ sessions }: Settings, keepsVisits: boolean): void {
  if (keepsVisits || sessions.origins.length === 0) return;
  throw wrong([
    '"sessions.origins" lets browsers tell of visits, and the model keeps none: give it a section "attribution"',
  ]);
}

function readGroup(group: unknown = {}): Readonly<Record<string, unknown>> {
  if (!isGroup(group)) throw wrong([`"${CONTEXT_KEY}" ${NO_GROUP}`]);
  return group;
}

function isGroup(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Each by its full name: what a group holds as `<group>.<name>`. What should be a group and is none stays, to be complained about. */
function named(settings: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const all = Object.entries(settings).flatMap(([name, value]): [string, unknown][] => {
    if (!GROUPS.has(name) || !isGroup(value)) return [[name, value]];
    return Object.entries(value).map(([member, one]) => [`${name}.${member}`, one]);
  });
  return Object.fromEntries(all);
}

/** The reverse of {@link named}. */
function grouped(settings: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const groups = [...GROUPS].flatMap(([group, members]): [string, unknown][] => {
    if (group in settings) return [];
    return [[group, Object.fromEntries(members.map((name) => [name, settings[`${group}.${name}`]]))]];
  });
  return { ...settings, ...Object.fromEntries(groups) };
}

function readOverrides(context: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(context)
      .filter(([name]) => name.startsWith(OVERRIDE_PREFIX))
      .map(([name, value]) => [name.slice(OVERRIDE_PREFIX.length), value]),
  );
}

function wrong(complaints: readonly string[]): SettingsError {
  return new SettingsError(
    [
      `Settings (cdk.json, context.${CONTEXT_KEY}, or -c ${OVERRIDE_PREFIX}<name>=<value>):`,
      ...complaints,
    ].join('\n  '),
  );
}

function isTimeZone(name: string): boolean {
  try {
    const { timeZone } = new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions();
    // Intl takes offsets and any case; EventBridge Scheduler takes neither, and says so only when deployed.
    return /^[A-Z]/.test(name) && (timeZone === name || timeZone.toLowerCase() !== name.toLowerCase());
  } catch {
    return false;
  }
}

/** As browsers write it in the header `Origin`. */
function isOrigin(text: string): boolean {
  return isBaseUrl(text) && new URL(text).origin === text && !text.includes('*');
}

/** Tokens and signed requests travel over it: encrypted, unless they stay on this machine. */
function isBaseUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const staysHere = url.protocol === 'http:' && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
  const isPlain = url.username === '' && url.password === '' && !/[?#]|\/$/.test(text);
  return (url.protocol === 'https:' || staysHere) && isPlain;
}

/** The known name that takes the fewest edits to become. */
function nearest(name: string, known: readonly string[]): string {
  const edits = (candidate: string) => distance(name.toLowerCase(), candidate.toLowerCase());
  return known.toSorted((a, b) => edits(a) - edits(b))[0] ?? '';
}
