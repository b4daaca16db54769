// Bugs on the way from the table to HubSpot.
import type { Variant } from './variant.ts';

const CONTACTS = 'lambdas/store/contact-table.ts';
const HEADS = 'lambdas/store/record-heads.ts';
const SUBJECTS = 'lambdas/scorer/subjects.ts';
const WRITE_BACK = 'lambdas/write-back.ts';
const ENDINGS = 'lambdas/write-back/endings.ts';
const WRITE = 'lambdas/write-back/write.ts';
const BATCH_WRITE = 'lambdas/hubspot/batch-write.ts';
const HYDRATE = 'lambdas/hydration/hydrate.ts';
const BUDGET = 'lambdas/hubspot/budget.ts';

const CONFIRMED = "        ConditionExpression: 'wid = :wid AND shownAt = :shownAt',";
/** Values that an expression names must be used. */
const WHATEVER_IS_SHOWN =
  "        ConditionExpression: 'attribute_exists(wid) AND (wid = :wid OR wid <> :wid) AND (shownAt = :shownAt OR shownAt <> :shownAt)',";

export const WRITING: readonly Variant[] = [
  {
    name: 'dirty-flag-cleared-blindly',
    wrong:
      'After a write the contact counts as written, whatever is to be shown by then: what came meanwhile is never sent.',
    promise: 3,
    patches: [
      {
        file: HEADS,
        find: "        UpdateExpression: `SET cwid = :wid${writes === undefined ? '' : ', ws = :ws, wn = :wn'}`,",
        replace:
          "        UpdateExpression: `SET cwid = wid${writes === undefined ? '' : ', ws = :ws, wn = :wn'}`,",
      },
      { file: HEADS, find: CONFIRMED, replace: WHATEVER_IS_SHOWN },
    ],
  },
  {
    name: 'two-unordered-writes',
    wrong:
      'Of two writes of one contact nobody looks which came last: the older may be what HubSpot goes on showing.',
    promise: 3,
    patches: [
      {
        file: WRITE,
        find: "    return { kind: 'doubtful', afterSeconds: OVERTAKEN_SECONDS }; // Step 5.",
        replace: "    return { kind: 'done' };",
      },
    ],
  },
  {
    name: 'blind-confirm',
    wrong: 'A write is confirmed without a condition: an older one is taken for the newest.',
    promise: 3,
    patches: [{ file: HEADS, find: CONFIRMED, replace: WHATEVER_IS_SHOWN }],
  },
  {
    name: 'confirm-by-value',
    wrong:
      'A write is confirmed by its value alone: what was overtaken and came back is taken for what HubSpot shows.',
    promise: 3,
    patches: [
      {
        file: HEADS,
        find: CONFIRMED,
        replace: "        ConditionExpression: 'wid = :wid AND (shownAt = :shownAt OR shownAt <> :shownAt)',",
      },
    ],
  },
  {
    name: 'compared-with-stored',
    wrong:
      'A write is asked for where the stored score changed, not where HubSpot has not confirmed it: whoever died before asking is never written.',
    promise: 3,
    patches: [
      {
        file: SUBJECTS,
        find: `function isToBeWritten({ head }: Standing): boolean {
  return head.life === 'living' && (head.writeId !== head.confirmedWriteId || head.readAtMs === undefined);`,
        replace: `function isToBeWritten({ head, previous }: Standing): boolean {
  const valuesOf = (shown: typeof previous) =>
    JSON.stringify([shown?.score, shown?.fit, shown?.grade, shown?.status, shown?.reasons, shown?.journey?.text]);
  const isOther = valuesOf(previous) !== valuesOf(head.shown);
  return head.life === 'living' && (isOther || head.readAtMs === undefined);`,
      },
    ],
  },
  {
    name: 'ghost-write-wins',
    wrong:
      'A write without an answer is tried again at once and then forgotten: it may land after a newer one.',
    promise: 3,
    patches: [
      {
        file: WRITE,
        find: "    return { kind: 'doubtful', afterSeconds: UNANSWERED_SECONDS };",
        replace: "    return { kind: 'later', retryAtMs: clock() };",
      },
    ],
  },
  {
    name: 'unknown-taken-for-written',
    wrong: 'A write without an answer counts as done.',
    promise: 3,
    patches: [
      {
        file: WRITE,
        find: "  if (outcome.kind === 'written' || outcome.kind === 'shown') {",
        replace:
          "  if (outcome.kind === 'written' || outcome.kind === 'shown' || outcome.kind === 'unknown') {",
      },
    ],
  },
  {
    name: 'redelivery-leaves-no-doubt',
    wrong:
      'A message that comes again is treated as the first: what an earlier try sent before it died may land last.',
    promise: 3,
    patches: [
      {
        file: 'lambdas/write-back/requests.ts',
        find: '      isRedelivered: Number(attributes.ApproximateReceiveCount) > 1 || other?.isRedelivered === true,',
        replace: '      isRedelivered: other?.isRedelivered === true,',
      },
    ],
  },
  {
    name: 'doubt-lost-when-put-off',
    wrong: 'A doubt does not go along with what is put off: the earlier write may land last.',
    promise: 3,
    patches: [
      {
        file: ENDINGS,
        find: '  const isDoubtful = force || isRedelivered;',
        replace: '  const isDoubtful = false;',
      },
    ],
  },
  {
    name: 'copies-after-original',
    wrong: 'The original goes before its copies are sent: whoever dies in between loses both.',
    promise: 3,
    patches: [
      {
        file: WRITE_BACK,
        find: '    await sendCopies(following.copies, queue, failed, parts);',
        replace: '    void sendCopies(following.copies, queue, failed, parts);',
      },
    ],
  },
  {
    name: 'copy-failure-forgotten',
    wrong: 'The original goes although its copy could not be sent.',
    promise: 3,
    patches: [
      {
        file: WRITE_BACK,
        find: '      for (const { errand } of some) for (const id of errand.messageIds) failed.add(id);',
        replace: '',
      },
    ],
  },
  {
    name: 'write-failure-forgotten',
    wrong: 'What failed through our own fault does not go back to the queue.',
    promise: 3,
    patches: [
      {
        file: ENDINGS,
        find: "    if (ending.kind === 'failed') failed.push(...errand.messageIds);\n",
        replace: '',
      },
    ],
  },
  {
    name: 'put-off-forgotten',
    wrong: 'What cannot be tried now does not come back.',
    promise: 3,
    patches: [
      {
        file: ENDINGS,
        find: "    if (ending.kind === 'later') copy(...postponed(errand, ending.retryAtMs, nowMs));\n",
        replace: '',
      },
    ],
  },
  {
    name: 'silence-taken-for-written',
    wrong: 'A record on which HubSpot keeps silent counts as written, also where it was merged away.',
    promise: 3,
    patches: [
      {
        file: BATCH_WRITE,
        find: '  if (error === undefined) return asFound(lookUp(hubSpot, input, own.length > 0), clock);',
        replace: "  if (error === undefined) return { kind: 'written' };",
      },
    ],
  },
  {
    name: 'batch-refused-for-one',
    wrong: 'A batch that HubSpot refuses for one record is refused for all of its records.',
    promise: 4,
    patches: [
      {
        file: BATCH_WRITE,
        find: '    if (out.length === 0) throw error;',
        replace:
          '    if (out.length === 0) return part.map((input): Told => [input.id, refusalOf(input, error)]);',
      },
    ],
  },
  {
    name: 'refusal-dropped',
    wrong: 'A record that HubSpot refuses for good is dropped without a dead letter.',
    promise: 4,
    patches: [
      {
        file: WRITE_BACK,
        find: '  await deadLetter([...rejected, ...final.map(({ letter }) => letter)]);',
        replace: '  await deadLetter(rejected);',
      },
    ],
  },
  {
    name: 'reading-under-way-counts',
    wrong: 'A reading that began before a change counts as one that saw it.',
    promise: 2,
    patches: [
      {
        file: CONTACTS,
        find: '  return forgotAtMs !== undefined && forgotAtMs >= readAtMs ? undefined : readAtMs;',
        replace: '  return readAtMs;',
      },
    ],
  },
  {
    name: 'read-noted-before-kept',
    wrong: 'A contact counts as read before what was read is kept: a crash in between leaves it unknown.',
    promise: 2,
    patches: [
      {
        file: HYDRATE,
        find: '  const observed = modelInputs(model).map((property) =>',
        replace:
          '  await rescore(record.id, run, askedAtMs);\n  const observed = modelInputs(model).map((property) =>',
      },
    ],
  },
  {
    name: 'values-as-of-our-clock',
    wrong:
      'What is read counts as of our clock instead of as of its last change in HubSpot: an old reading beats newer news.',
    promise: 2,
    patches: [
      {
        file: HYDRATE,
        find: '      atMs: record.updatedAtMs,',
        replace: '      atMs: run.clock(),',
      },
    ],
  },
  {
    name: 'company-not-told',
    wrong: 'Companies are not rolled up when a contact of theirs is written.',
    promise: 3,
    patches: [
      {
        file: 'lambdas/write-back/kinds.ts',
        find: '    tell: (heads) => tellCompaniesOf(heads, run),',
        replace: '    tell: async () => undefined,',
      },
    ],
  },
  {
    name: 'grants-do-not-lapse',
    wrong: 'A slot may be used however late: calls of one window come in another.',
    promise: 5,
    patches: [
      {
        file: BUDGET,
        find: '      const isLate = clock() - grant.slotMs > GRANT_LAPSES_MS; // While this process was busy.',
        replace: '      const isLate = false;',
      },
      {
        file: BUDGET,
        find: '    const oldestMs = Math.max(this.#options.clock() - GRANT_LAPSES_MS, this.#blockedUntilMs);',
        replace: '    const oldestMs = this.#blockedUntilMs - GRANT_LAPSES_MS;',
      },
    ],
  },
  {
    name: '429-not-honoured',
    wrong: 'A 429 stops nobody: calls go on as before.',
    promise: 5,
    patches: [
      {
        file: BUDGET,
        find: `    this.#blockedUntilMs = Math.max(this.#blockedUntilMs, untilMs);
    const { clock } = this.#options;
    await this.#store.update((state) => ({ state: block(state, untilMs, clock()), result: undefined }));`,
        replace: '',
      },
    ],
  },
  {
    name: 'budget-without-condition',
    wrong: 'The row of the budget is stored without a condition: two processes are granted the same slots.',
    promise: 5,
    patches: [
      {
        file: 'lambdas/store/portal-rows.ts',
        find: "          ConditionExpression: version === 0 ? 'attribute_not_exists(pk)' : 'version = :version',\n",
        replace: '',
      },
      {
        file: 'lambdas/store/portal-rows.ts',
        find: "          ...(version > 0 && { ExpressionAttributeValues: { ':version': version } }),\n",
        replace: '',
      },
    ],
  },
  {
    name: 'others-not-seen',
    wrong: 'Whole limits are used, whoever else uses the token: nothing is left to others.',
    promise: 5,
    patches: [
      {
        file: 'lambdas/hubspot/budget-window.ts',
        find: '  return Math.max(LEAST_ALLOWED, Math.floor(limit - Math.max(settings.reserve, left)));',
        replace: '  return Math.max(LEAST_ALLOWED, Math.floor(limit));',
      },
    ],
  },
];
