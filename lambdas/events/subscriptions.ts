import { companyInputs, type Model, usesCompanies, usesDeals } from '../scoring/model.ts';
import { ADDRESSES, modelInputs } from './property-facts.ts';

/** What befalls companies. */
const COMPANY_LIFE = ['creation', 'deletion', 'restore', 'merge', 'associationChange'];
/** Of a deleted deal HubSpot does not say whose it was, so there is nothing to be heard. */
const DEAL_LIFE = ['creation', 'restore', 'merge', 'associationChange'];
/** Where a deal stands, and when it was closed. What else says so is worked out by HubSpot from these. */
const DEAL_CHANGES = ['dealstage', 'closedate'];

/**
 * What the app in HubSpot is to subscribe to, so that every score of a model follows what happens: the properties that the model reads,
 * the addresses of contacts, and what befalls the records it looks at. Never an output of our own.
 *
 * @returns names such as `contact.merge` and `contact.propertyChange:jobtitle`, each once
 */
export function subscriptionsOf(model: Model): string[] {
  const ofCompanies = usesCompanies(model);
  const ofDeals = usesDeals(model);
  return [
    ...['creation', 'deletion', 'restore', 'merge', 'privacyDeletion'].map((action) => `contact.${action}`),
    ...(ofCompanies || ofDeals ? ['contact.associationChange'] : []),
    ...changes('contact', [...ADDRESSES, ...modelInputs(model)]),
    ...(ofCompanies ? COMPANY_LIFE.map((action) => `company.${action}`) : []),
    ...changes('company', companyInputs(model)),
    ...(ofDeals ? [...DEAL_LIFE.map((action) => `deal.${action}`), ...changes('deal', DEAL_CHANGES)] : []),
  ];
}

function changes(type: string, properties: readonly string[]): string[] {
  return [...new Set(properties)].map((property) => `${type}.propertyChange:${property}`);
}
