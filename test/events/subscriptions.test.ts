import { readModelFile } from '../../cli/model-file.ts';
import { subscriptionsOf } from '../../lambdas/events/subscriptions.ts';
import { parseSubscriptions } from '../../local/hubspot/webhook-events.ts';
import { modelOf } from '../scoring/model-of.ts';

const CONTACT_LIFE = [
  'contact.creation',
  'contact.deletion',
  'contact.restore',
  'contact.merge',
  'contact.privacyDeletion',
];
const ADDRESSES = ['contact.propertyChange:email', 'contact.propertyChange:hs_additional_emails'];

/** A model that reads of contacts what every kind of rule can: values, facts, and a property two rules name. */
const CONTACTS = `
  name: contacts
  fit:
    rules:
      - { id: cto, title: T, property: jobtitle, is: [CTO], points: 1 }
      - { id: work, title: T, property: email, domain: [acme.example], points: 1 }
  engagement:
    signals:
      - { id: login, title: T, from: { kind: signal, signal: login }, points: 1, halfLifeDays: 9 }
      - { id: click, title: T, from: { kind: timestamp, property: hs_email_last_click_date }, points: 1, halfLifeDays: 9 }
      - { id: views, title: T, from: { kind: counter, property: hs_analytics_num_page_views }, points: 1, halfLifeDays: 9 }
  grades: { bands: [{ grade: A, from: 0 }] }`;

test('a model of contacts alone asks for contacts alone, each change once', () => {
  const model = modelOf(`${CONTACTS}
  exclusions: [{ id: customer, title: T, property: lifecyclestage, is: [customer] }]
  resetOn: [{ id: again, title: T, property: lifecyclestage, to: [lead] }]`);

  expect(subscriptionsOf(model).toSorted()).toEqual(
    [
      ...CONTACT_LIFE,
      ...ADDRESSES,
      'contact.propertyChange:jobtitle',
      'contact.propertyChange:lifecyclestage',
      'contact.propertyChange:hs_email_last_click_date',
      'contact.propertyChange:hs_analytics_num_page_views',
    ].toSorted(),
  );
});

test.each([
  {
    because: 'a rule on a property of the company',
    more: 'exclusions: [{ id: edu, title: T, property: company.industry, is: [EDUCATION] }]',
    added: [
      'contact.associationChange',
      'company.creation',
      'company.deletion',
      'company.restore',
      'company.merge',
      'company.associationChange',
      'company.propertyChange:industry',
    ],
  },
  {
    because: 'a score of companies, without any rule on them',
    more: 'companyScore: { rollUp: maximum }',
    added: [
      'contact.associationChange',
      'company.creation',
      'company.deletion',
      'company.restore',
      'company.merge',
      'company.associationChange',
    ],
  },
  {
    because: 'a rule on deals',
    more: 'resetOn: [{ id: lost, title: T, deal: lost }]',
    added: [
      'contact.associationChange',
      'deal.creation',
      'deal.restore',
      'deal.merge',
      'deal.associationChange',
      'deal.propertyChange:dealstage',
      'deal.propertyChange:closedate',
    ],
  },
  {
    because: 'the section attribution',
    more: 'attribution: {}',
    added: [
      'contact.associationChange',
      'contact.propertyChange:hs_analytics_source',
      'contact.propertyChange:hs_latest_source',
      'contact.propertyChange:hs_latest_source_timestamp',
      'contact.propertyChange:afterglow_visitor_id',
      'deal.creation',
      'deal.deletion',
      'deal.restore',
      'deal.merge',
      'deal.associationChange',
      'deal.propertyChange:dealstage',
      'deal.propertyChange:closedate',
      'deal.propertyChange:pipeline',
      'deal.propertyChange:amount',
      'deal.propertyChange:deal_currency_code',
    ],
  },
])('$because asks for what befalls them, and nothing else', ({ more, added }) => {
  const before = subscriptionsOf(modelOf(CONTACTS));

  const after = subscriptionsOf(modelOf(`${CONTACTS}\n  ${more}`));

  expect(after.filter((name) => !before.includes(name)).toSorted()).toEqual(added.toSorted());
  expect(before.filter((name) => !after.includes(name))).toEqual([]);
});

test.each(['models/b2b-saas.yaml', 'models/plg.yaml'])(
  'HubSpot has every subscription that %s asks for, and none is of what we write ourselves',
  (file) => {
    const names = subscriptionsOf(readModelFile(file));

    expect(parseSubscriptions(names)).toHaveLength(names.length);
    expect(names.filter((name) => name.includes('afterglow'))).toEqual([
      'contact.propertyChange:afterglow_visitor_id', // A form writes it.
    ]);
  },
);
