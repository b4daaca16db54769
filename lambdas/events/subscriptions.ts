import { companyInputs, looksAtDeals, type Model, usesCompanies, usesTouches } from '../scoring/model.ts';
import { ADDRESSES, modelInputs, VISIT_CHANGES, VISITOR_PROPERTY } from './property-facts.ts';

/** What befalls companies. */
const COMPANY_LIFE = ['creation', 'deletion', 'restore', 'merge', 'associationChange'];
/** Of a deleted deal HubSpot does not say whose it was, so for scores there is nothing to be heard. */
const DEAL_LIFE = ['creation', 'restore', 'merge', 'associationChange'];
/** Where a deal stands, and when it was closed. What else says so is worked out by HubSpot from these. */
const DEAL_CHANGES = ['dealstage', 'closedate'];
/** What else a deal's credit depends on. */
const CREDIT_CHANGES = ['pipeline', 'amount', 'deal_currency_code'];

/**
 * What the app in HubSpot is to subscribe to, so that every score of a model follows what happens: the properties that the model reads,
 * the addresses of contacts, what HubSpot sees of visits, and what befalls the records it looks at. Never an output of our
 * own.
 *
 * @returns names such as `contact.merge` and `contact.propertyChange:jobtitle`, each once
 */
export function subscriptionsOf(model: Model): string[] {
  const ofCompanies = usesCompanies(model);
  const ofVisits = usesTouches(model);
  const ofDeals = looksAtDeals(model);
  return [
    ...['creation', 'deletion', 'restore', 'merge', 'privacyDeletion'].map((action) => `contact.${action}`),
    ...(ofCompanies || ofDeals ? ['contact.associationChange'] : []),
    ...changes('contact', [
      ...ADDRESSES,
      ...modelInputs(model),
      ...(ofVisits ? [...VISIT_CHANGES, VISITOR_PROPERTY] : []),
    ]),
    ...(ofCompanies ? COMPANY_LIFE.map((action) => `company.${action}`) : []),
    ...changes('company', companyInputs(model)),
    ...(ofDeals ? ofDeal(ofVisits) : []),
  ];
}

function ofDeal(isCredited: boolean): string[] {
  const life = isCredited ? [...DEAL_LIFE, 'deletion'] : DEAL_LIFE;
  const changed = isCredited ? [...DEAL_CHANGES, ...CREDIT_CHANGES] : DEAL_CHANGES;
  return [...life.map((action) => `deal.${action}`), ...changes('deal', changed)];
}

function changes(type: string, properties: readonly string[]): string[] {
  return [...new Set(properties)].map((property) => `${type}.propertyChange:${property}`);
}
