// Bugs in merges, privacy deletions, and whose a browser is.
import type { Variant } from './variant.ts';

const CONTACTS = 'lambdas/store/contact-table.ts';
const HEADS = 'lambdas/store/record-heads.ts';
const PARTITIONS = 'lambdas/store/partitions.ts';
const VISITORS = 'lambdas/store/visitors.ts';

const EMPTIED =
  '        await (sk.startsWith(PROPERTY) ? this.#deleteUnchanged(key, row) : this.#delete(key, sk));';
const OWNER_LOOKED_AT =
  "    if (!isFree(owner, portalId)) return isIdentityKey(key, portalId) ? 'as it was' : 'refused';";

export const MERGING: readonly Variant[] = [
  {
    name: 'alias-after-move',
    wrong:
      'The facts of an old record are moved before it is an alias: one that is kept in between stays behind.',
    promise: 2,
    patches: [
      {
        file: HEADS,
        find: '      const alias = isNew ? await this.#makeAlias(at, target, isIdentity) : head.alias;',
        replace: `      if (isNew) await this.#rows.move(at, target);
      const alias = isNew ? await this.#makeAlias(at, target, isIdentity) : head.alias;`,
      },
      {
        file: HEADS,
        find: '        await this.#move(at, target, head);',
        replace: '        if (!isNew) await this.#move(at, target, head);',
      },
    ],
  },
  {
    name: 'erase-after-sweep',
    wrong: 'A contact is marked as erased after the sweep: what is kept in between stays for ever.',
    promise: 8,
    patches: [
      {
        file: CONTACTS,
        find: `      const { alias, oldIds } = await this.#heads.markErased(each);
      await this.#rows.sweep(each);`,
        replace: `      await this.#rows.sweep(each);
      const { alias, oldIds } = await this.#heads.markErased(each);`,
      },
    ],
  },
  {
    name: 'late-fact-of-erased-kept',
    wrong: 'A fact that comes after the privacy deletion is not swept away.',
    promise: 8,
    patches: [
      {
        file: CONTACTS,
        find: `        await this.#rows.sweep(at);
        return undefined;`,
        replace: '        return undefined;',
      },
    ],
  },
  {
    name: 'erased-revived',
    wrong: 'A deletion or a restoring that comes after the privacy deletion takes its mark away.',
    promise: 8,
    patches: [
      {
        file: HEADS,
        find: "          'attribute_not_exists(life) OR (life <> :erased AND (lifeAt < :at OR (lifeAt = :at AND life < :life)))',",
        replace:
          "          'attribute_not_exists(life) OR life = :erased OR (life <> :erased AND (lifeAt < :at OR (lifeAt = :at AND life < :life)))',",
      },
    ],
  },
  {
    name: 'addresses-not-swept',
    wrong: 'A privacy deletion leaves what stands under the addresses and browsers of the contact.',
    promise: 8,
    patches: [
      {
        file: PARTITIONS,
        find: '      if (!sk.startsWith(VIA)) return;',
        replace: '      if (!sk.startsWith(PROPERTY + VIA)) return;',
      },
    ],
  },
  {
    name: 'address-not-listed',
    wrong:
      'A contact does not list the addresses that turned out to be its own: no privacy deletion finds them.',
    promise: 8,
    patches: [
      {
        file: HEADS,
        find: '      if (isIdentity) await this.#rows.putVia(target, at);\n',
        replace: '',
      },
    ],
  },
  {
    name: 'visitor-last-wins',
    wrong: 'A browser goes to whoever named it last: anybody can take the visits of others to come.',
    promise: 2,
    patches: [{ file: VISITORS, find: OWNER_LOOKED_AT, replace: '' }],
  },
  {
    name: 'touch-bound-twice',
    wrong:
      'Visits stay under their browser when it is bound, and are bound again: they count for two contacts.',
    promise: 2,
    patches: [
      { file: VISITORS, find: OWNER_LOOKED_AT, replace: '' },
      {
        file: PARTITIONS,
        find: EMPTIED,
        replace: `        if (!key.includes('#visitor#'))
          await (sk.startsWith(PROPERTY) ? this.#deleteUnchanged(key, row) : this.#delete(key, sk));`,
      },
    ],
  },
  {
    name: 'waiting-visits-forgotten',
    wrong: 'What waited under a browser is not brought to the contact to whom it is bound.',
    promise: 2,
    patches: [
      {
        file: VISITORS,
        find: '  await rows.move(visitor, key);\n',
        replace: '',
      },
    ],
  },
];
