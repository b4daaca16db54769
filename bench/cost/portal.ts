// A portal whose contacts are known and written already, and the requests that HubSpot sends when something happens to them.
import type { OutputProperty } from '../../lambdas/hubspot/output-property.ts';
import { outputProperties } from '../../lambdas/hubspot/outputs.ts';
import type { Model } from '../../lambdas/scoring/model.ts';
import type { Crm } from '../../local/hubspot/crm.ts';

const APP_ID = 50_780_459;
const SUBSCRIPTION_ID = 7_562_680;
const FIRST_EVENT_ID = 4_101_286_121;

/** A change of a contact's property, as HubSpot tells of it. */
export interface Change {
  readonly contactId: string;
  readonly property: string;
  readonly value: string;
  readonly occurredAtMs: number;
}

/** Defines what Afterglow writes. */
export function provision(crm: Crm, model: Model): void {
  const outputs = outputProperties(model);
  const types = { contacts: outputs.contacts, companies: outputs.companies } as const;
  for (const type of ['contacts', 'companies'] as const)
    for (const { options = [], ...output } of types[type] satisfies readonly OutputProperty[])
      crm.defineProperty(type, {
        ...output,
        options: options.map((choice) => ({ ...choice, hidden: false })),
      });
}

/**
 * Contacts who fit somewhat, with an address each.
 *
 * @param ofCompanies - whether each has a company of its own, or none has one
 */
export function createContacts(crm: Crm, count: number, ofCompanies: boolean): string[] {
  return Array.from({ length: count }, () => {
    const id = crm.create('contacts', {
      firstname: 'Sam',
      lastname: 'Sample',
      jobtitle: 'Head of Operations',
      country: 'Germany',
    });
    crm.set('contacts', id, { email: `sam@company-${id}.example.com` });
    if (ofCompanies) {
      const companyId = crm.create('companies', { name: `Company ${id}`, numberofemployees: '250' });
      crm.associate('contacts', id, 'companies', companyId, { primary: true });
    }
    return id;
  });
}

export const looksAtPricing = (contactId: string, occurredAtMs: number): Change => ({
  contactId,
  property: 'hs_analytics_last_url',
  value: 'https://www.example.com/pricing?utm_source=newsletter&utm_campaign=autumn',
  occurredAtMs,
});

export const readsBlog = (contactId: string, occurredAtMs: number): Change => ({
  contactId,
  property: 'hs_analytics_last_url',
  value: 'https://www.example.com/blog/what-a-score-is-for?utm_source=newsletter',
  occurredAtMs,
});

export const clicksInEmail = (contactId: string, occurredAtMs: number): Change => ({
  contactId,
  property: 'hs_email_last_click_date',
  value: String(occurredAtMs),
  occurredAtMs,
});

export const repliesToEmail = (contactId: string, occurredAtMs: number): Change => ({
  contactId,
  property: 'hs_sales_email_last_replied',
  value: String(occurredAtMs),
  occurredAtMs,
});

export const viewsPages = (contactId: string, occurredAtMs: number, count: number): Change => ({
  contactId,
  property: 'hs_analytics_num_page_views',
  value: String(count),
  occurredAtMs,
});

/** The events of one request as HubSpot's apps get them. */
export function eventsOf(portalId: string, changes: readonly Change[], firstId = FIRST_EVENT_ID): object[] {
  return changes.map(({ contactId, property, value, occurredAtMs }, at) => ({
    eventId: firstId + at,
    subscriptionId: SUBSCRIPTION_ID,
    portalId: Number(portalId),
    appId: APP_ID,
    occurredAt: occurredAtMs,
    subscriptionType: 'contact.propertyChange',
    attemptNumber: 0,
    objectId: Number(contactId),
    propertyName: property,
    propertyValue: value,
    changeSource: 'CRM_UI',
    sourceId: 'userId:882761034',
  }));
}
