// Bugs on the way from the table to HubSpot.
import type { Variant } from './variant.ts';

const HEADS = 'lambdas/store/record-heads.ts';
const SUBJECTS = 'lambdas/scorer/subjects.ts';
const ENDINGS = 'lambdas/write-back/endings.ts';
const WRITE = 'lambdas/write-back/write.ts';
const BATCH_WRITE = 'lambdas/hubspot/batch-write.ts';

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
    name: 'budget-of-each-process',
    wrong: 'Each process has a budget of its own: together they make more calls than HubSpot allows.',
    promise: 5,
    patches: [
      {
        file: 'lambdas/portal/connect.ts',
        find: "  const row = new PortalRow(client, tableName, portalId, 'budget', Budgeted, FULL_BUDGET);",
        replace:
          '  const row = new PortalRow(client, tableName, portalId, `budget-${clock()}`, Budgeted, FULL_BUDGET);',
      },
    ],
  },
  {
    name: 'slots-not-waited-for',
    wrong: 'A call is made when its slot is granted, not when its slot has come.',
    promise: 5,
    patches: [
      {
        file: 'lambdas/hubspot/budget.ts',
        find: '      if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));',
        replace: '',
      },
    ],
  },
];
