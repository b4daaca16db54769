// Bugs on the way from an event to the score in the table.
import type { Variant } from './variant.ts';

const CONTACTS = 'lambdas/store/contact-table.ts';
const HEADS = 'lambdas/store/record-heads.ts';
const PARTITIONS = 'lambdas/store/partitions.ts';
const SUBJECTS = 'lambdas/scorer/subjects.ts';

/** What stands for a condition that always holds. */
const ALWAYS = "'attribute_exists(pk) OR attribute_not_exists(pk)'";

const KEEP_FACT = '  async #keepFact(key: string, fact: Fact): Promise<boolean> {';
const STORE_CONDITION =
  "        ConditionExpression: rev === 1 ? 'attribute_not_exists(pk)' : '#rev = :before',";
const STORE_VALUE = "          ...(rev > 1 && { ':before': rev - 1 }),";

/** Marks of what was seen are no properties of an address. */
const MARKS_STAY_BEHIND = {
  file: PARTITIONS,
  find: '      else if (isIdentity) await this.#keepProperty(target, readProperty(row));',
  replace:
    '      else if (isIdentity && sk.startsWith(PROPERTY)) await this.#keepProperty(target, readProperty(row));',
};

export const KEEPING: readonly Variant[] = [
  {
    name: 'mark-then-score',
    wrong: 'An event is marked as seen and then kept: whoever crashes in between loses its points.',
    promise: 2,
    patches: [
      {
        file: PARTITIONS,
        find: KEEP_FACT,
        replace: `${KEEP_FACT}
    const mark = { pk: key, sk: 'seen#' + fact.key, ...this.expiryOfWaiting(key) };
    const ConditionExpression = 'attribute_not_exists(pk)';
    const { tableName: TableName } = this.#options;
    if (!(await this.ifHolds(new PutCommand({ TableName, Item: mark, ConditionExpression })))) return false;`,
      },
      MARKS_STAY_BEHIND,
    ],
  },
  {
    name: 'score-then-mark',
    wrong: 'An event is counted and then marked as seen: whoever crashes in between counts it twice.',
    promise: 2,
    patches: [
      {
        file: PARTITIONS,
        find: KEEP_FACT,
        replace: `${KEEP_FACT}
    const [event = ''] = fact.key.split('.');
    const mark = 'seen#' + event;
    if ((await this.#query(key, mark, mark)).length > 0) return false;
    const counted = fact.key === event ? { ...fact, key: event + '.' + String(this.#options.clock()) } : fact;
    const isNew = await this.#count(key, counted);
    await this.#put(key, mark);
    return isNew;
  }

  async #count(key: string, fact: Fact): Promise<boolean> {`,
      },
      MARKS_STAY_BEHIND,
    ],
  },
  {
    name: 'expiring-lock',
    wrong:
      'A lock that expires takes the place of the condition: who takes longer than the lock stores an old score over a new one.',
    promise: 2,
    patches: [
      {
        file: CONTACTS,
        find: 'const STORE_TRIES = 12;',
        replace: `const STORE_TRIES = 12;
const LOCKS = new Map<string, number>();
const LOCK_MS = 1000;`,
      },
      {
        file: CONTACTS,
        find: '  readonly #roll: RollIndex;',
        replace: '  readonly #roll: RollIndex;\n  readonly #clock: () => number;',
      },
      {
        file: CONTACTS,
        find: '    this.#roll = new RollIndex(options);',
        replace: '    this.#roll = new RollIndex(options);\n    this.#clock = options.clock;',
      },
      {
        file: CONTACTS,
        find: '  async rescore(\n',
        replace: `  async rescore(...given: Parameters<ContactTable['unlocked']>): Promise<Standing | undefined> {
    const [key] = given;
    const untilMs = LOCKS.get(key) ?? 0;
    const nowMs = this.#clock();
    if (untilMs > nowMs && untilMs <= nowMs + LOCK_MS) throw new RetryableError('locked');
    LOCKS.set(key, nowMs + LOCK_MS);
    try {
      return await this.unlocked(...given);
    } finally {
      LOCKS.delete(key);
    }
  }

  async unlocked(
`,
      },
      {
        file: HEADS,
        find: STORE_CONDITION,
        replace: `        ConditionExpression: 'why' in values ? ${ALWAYS} : rev === 1 ? 'attribute_not_exists(pk)' : '#rev = :before',`,
      },
      {
        file: HEADS,
        find: STORE_VALUE,
        replace: "          ...(rev > 1 && !('why' in values) && { ':before': rev - 1 }),",
      },
    ],
  },
  {
    name: 'read-compute-write',
    wrong:
      'Scores are stored without a condition: of two that were read at once the older may be stored last.',
    promise: 2,
    patches: [
      { file: HEADS, find: STORE_CONDITION, replace: `        ConditionExpression: ${ALWAYS},` },
      { file: HEADS, find: STORE_VALUE, replace: '' },
    ],
  },
  {
    name: 'rest-skipped-for-duplicates',
    wrong:
      'Where the facts were there already, the rest of the work is skipped: whoever died after keeping them is never scored.',
    promise: 2,
    patches: [
      {
        file: SUBJECTS,
        find: '  const subject = heard[0]?.subject;',
        replace:
          '  if (facts.length > 0 && kept.length === 0) return {};\n  const subject = heard[0]?.subject;',
      },
    ],
  },
  {
    name: 'facts-before-head',
    wrong:
      'The facts are read before the head: one that is kept in between is missing from a score that no condition refuses.',
    promise: 2,
    patches: [
      {
        file: CONTACTS,
        find: '      const living = await this.#living(key);',
        replace: `      const early = await this.#rows.newestFacts(key);
      const living = await this.#living(key);`,
      },
      {
        file: CONTACTS,
        find: '      const known = await this.#known(living.key, associated, company);',
        replace: `      const late = await this.#known(living.key, associated, company);
      const known: Known = living.key === key ? { ...late, ...early } : late;`,
      },
    ],
  },
  {
    name: 'unchanged-fold-skips-store',
    wrong:
      'A score that is what it was is not stored, and the revision not raised: an older reading may then be stored over it.',
    promise: 2,
    patches: [
      {
        file: CONTACTS,
        find: '      const isOfTheLiving = living.key === key;',
        replace: `      const isNew = readAtMs !== undefined || reconciled !== undefined || head.revision === 0;
      if (!isNew && scored.writeId === head.writeId && scored.dueAtMs === head.dueAtMs)
        return { contactId, head: { ...head, lastSignalAtMs: scored.lastSignalAtMs }, previous: head.shown };
      const isOfTheLiving = living.key === key;`,
      },
    ],
  },
  {
    name: 'batch-failure-forgotten',
    wrong: 'The scorer does not say which messages failed: the queue takes them for done.',
    promise: 2,
    patches: [
      {
        file: 'lambdas/scorer.ts',
        find: '    return { batchItemFailures: [...failed].map((itemIdentifier) => ({ itemIdentifier })) }; // These go back, no others.',
        replace: '    return { batchItemFailures: [] };',
      },
    ],
  },
  {
    name: 'facts-deleted-before-moved',
    wrong: 'A fact leaves the old partition before it stands in the new one: a crash in between loses it.',
    promise: 2,
    patches: [
      {
        file: PARTITIONS,
        find: '        await first(row, sk);\n',
        replace: '',
      },
      {
        file: PARTITIONS,
        find: '        await (sk.startsWith(PROPERTY) ? this.#deleteUnchanged(key, row) : this.#delete(key, sk));',
        replace: `        await (sk.startsWith(PROPERTY) ? this.#deleteUnchanged(key, row) : this.#delete(key, sk));
        await first(row, sk);`,
      },
    ],
  },
  {
    name: 'second-page-forgotten',
    wrong: 'Only the first page of a query is read: the facts behind it do not count.',
    promise: 2,
    patches: [
      {
        file: PARTITIONS,
        find: '    } while (ExclusiveStartKey !== undefined && rows.length < limit);',
        replace: '    } while (rows.length < 0);',
      },
    ],
  },
  {
    name: 'value-last-heard-wins',
    wrong: 'Of a property the value that is heard last stays, though webhooks come in any order.',
    promise: 2,
    patches: [
      {
        file: PARTITIONS,
        find: "        ConditionExpression: 'attribute_not_exists(pk) OR #at < :at OR (#at = :at AND #value < :value)',",
        replace:
          "        ConditionExpression: 'attribute_not_exists(pk) OR #at < :at OR #at >= :at OR (#at = :at AND #value < :value)',",
      },
    ],
  },
  {
    name: 'life-last-heard-wins',
    wrong:
      'Of a deletion and a restoring the one that is heard last stays, though webhooks come in any order.',
    promise: 2,
    patches: [
      {
        file: HEADS,
        find: "          'attribute_not_exists(life) OR (life <> :erased AND (lifeAt < :at OR (lifeAt = :at AND life < :life)))',",
        replace: "          'attribute_not_exists(life) OR life <> :erased',",
      },
    ],
  },
  {
    name: 'portal-missing-from-key',
    wrong: 'Keys of companies and deals do not name the portal: two portals share the rows of one number.',
    promise: 6,
    patches: [
      {
        file: 'lambdas/store/keys.ts',
        find: '  return `${portalId}#${type}#${id}`;',
        replace: '  return `${type}#${id}`;',
      },
    ],
  },
  {
    name: 'counter-from-zero-after-merge',
    wrong:
      'After a merge the first count of the other record counts from zero: what both did before is awarded once more.',
    promise: 2,
    patches: [
      {
        file: 'lambdas/scoring/awards.ts',
        find: '  if (before === undefined || fact.baseline === true || count <= before.highest) return undefined;',
        replace: `  if (before === undefined && ofRecords.size > 1) return { by: count, fromMs: fact.occurredAtMs };
  if (before === undefined || fact.baseline === true || count <= before.highest) return undefined;`,
      },
    ],
  },
  {
    name: 'terms-cut',
    wrong: 'Terms are cut instead of rounded: scores drift away from what the formula says.',
    promise: 2,
    patches: [
      {
        file: 'lambdas/scoring/tally.ts',
        find: '  return Math.round(award.points * 1000 * 2 ** (-ageMs / award.halfLifeMs)) + 0;',
        replace: '  return 1000 * Math.floor(award.points * 2 ** (-ageMs / award.halfLifeMs)) + 0;',
      },
    ],
  },
];
