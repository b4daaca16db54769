import { dealOutputValues } from '../hubspot/deal-outputs.ts';
import { WRITE_ID_PROPERTY } from '../hubspot/output-property.ts';
import { COMPANY_SCORE_PROPERTY, companyOutputValues, outputValues } from '../hubspot/outputs.ts';
import { noteDeletion, noteMerge } from '../hydration/companies.ts';
import { noteDealGone } from '../hydration/deal-credit.ts';
import { noteContactGone, uniteContacts } from '../hydration/hydrate.ts';
import type { CompanyHead } from '../store/company-table.ts';
import type { DealHead } from '../store/deal-table.ts';
import { contactKey } from '../store/keys.ts';
import type { Head } from '../store/rows.ts';
import { tellCompaniesOf } from './company-scores.ts';
import type { Run } from './run.ts';
import type { Kind } from './write.ts';

/** Contacts show a score and what it is made of; which write it was, says a property of its own. */
export function contactKind(run: Run): Kind<Head> {
  const { contacts, portalId, hubSpot } = run;
  const keyOf = (id: string) => contactKey(portalId, id);
  return {
    hubSpot: hubSpot.contacts,
    type: 'contacts',
    about: (contactId) => ({ contactId }),
    isConfirmed: ({ writeId, confirmedWriteId }) => writeId === confirmedWriteId,
    telling: WRITE_ID_PROPERTY,
    valuesOf: ({ shown, writeId, shownAtMs, lastSignalAtMs }) =>
      shown === undefined || writeId === undefined
        ? {} // Never scored: there is nothing to show.
        : outputValues(shown, writeId, shownAtMs, lastSignalAtMs),
    async heads(ids) {
      const heads = await contacts.heads(ids.map(keyOf));
      return new Map(
        ids.flatMap((id) => {
          const head = heads.get(keyOf(id));
          return head === undefined ? [] : [[id, head]];
        }),
      );
    },
    fateOf(_id, { alias, life }) {
      if (alias !== undefined) return 'merged';
      return life === 'living' ? 'lives' : 'gone';
    },
    tell: (heads) => tellCompaniesOf(heads, run),
    writesOf: ({ writes }) => writes,
    confirm: (id, sent, writes) => contacts.confirm(keyOf(id), sent, writes),
    countWrite: (id, writes) => contacts.countWrite(keyOf(id), writes),
    noteDeletion: (id) => noteContactGone(id, run),
    noteMerge: (id, livingId) => uniteContacts(id, livingId, run),
  };
}

/** Companies show one number, which says itself which write it was. */
export function companyKind(run: Run): Kind<CompanyHead> {
  const { companies, hubSpot } = run;
  return {
    hubSpot: hubSpot.companies,
    type: 'companies',
    about: (companyId) => ({ companyId }),
    isConfirmed({ writeId, confirmedWriteId, oldIds, score }) {
      // Where nothing was ever written there is nothing to clear; a merge takes over what stood in the old record.
      const isBlank = confirmedWriteId === undefined && score === null && oldIds.length === 0;
      return writeId === confirmedWriteId || isBlank;
    },
    telling: COMPANY_SCORE_PROPERTY,
    valuesOf: ({ score = null }) => companyOutputValues(score),
    heads: (ids) => companies.heads(ids),
    fateOf(id, { companyId, life }) {
      if (companyId !== id) return 'merged';
      return life === 'living' ? 'lives' : 'gone';
    },
    tell: async () => undefined,
    writesOf: () => undefined, // Nothing that happens to a company is answered by its score.
    confirm: (id, sent) => companies.confirm(id, sent),
    countWrite: async () => undefined,
    noteDeletion: (id) => noteDeletion(id, run),
    noteMerge: (id, livingId) => noteMerge(id, livingId, run),
  };
}

/** Deals show to what they are credited; which write it was, says a property of its own. */
export function dealKind(run: Run): Kind<DealHead> {
  const { deals, hubSpot, model } = run;
  return {
    hubSpot: hubSpot.deals,
    type: 'deals',
    about: (dealId) => ({ dealId }),
    isConfirmed: ({ writeId, confirmedWriteId }) => writeId === confirmedWriteId,
    telling: WRITE_ID_PROPERTY,
    valuesOf({ deal, credit, writeId, model: creditedBy }) {
      // Never credited; or another version of this function was last, which writes what it stored.
      if (deal === undefined || credit === undefined || writeId === undefined || creditedBy !== model.id)
        return {};
      return { ...dealOutputValues(deal, credit, model), [WRITE_ID_PROPERTY]: writeId };
    },
    heads: (ids) => deals.heads(ids),
    fateOf(id, { dealId, life }) {
      if (dealId !== id) return 'merged';
      return life === 'living' ? 'lives' : 'gone';
    },
    tell: async () => undefined,
    writesOf: ({ writes }) => writes,
    confirm: (id, sent, writes) => deals.confirm(id, sent, writes),
    countWrite: (id, writes) => deals.countWrite(id, writes),
    noteDeletion: (id) => noteDealGone(id, run),
    noteMerge: (id, livingId) => deals.unite(id, livingId),
  };
}
