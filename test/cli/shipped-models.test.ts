// What the models that ship say of people as they are.
import { readModelFile } from '../../cli/model-file.ts';
import { rehearse } from '../../cli/rehearsal.ts';
import { TYPICAL_CONTACTS } from '../../cli/typical-contacts.ts';
import { fittingRules } from '../../lambdas/scoring/conditions.ts';

const SALES_LED = readModelFile('models/b2b-saas.yaml');
const PRODUCT_LED = readModelFile('models/plg.yaml');

test.each([
  ['CEO', ['decision-maker']],
  ['President', ['decision-maker']],
  ['Vice President, Finance', ['decision-maker']],
  ['Managing Partner', ['decision-maker']],
  ['SVP Sales', ['decision-maker', 'right-department']],
  ['Business Owner', ['decision-maker']],
  ['Co-Owner', ['decision-maker']],
  ['Product Owner', []],
  ['Marketing Manager', ['head-of-team', 'right-department']],
  ['General Manager', ['head-of-team']],
  ['Office Manager', []],
  ['Community Manager', []],
  ['Director of IT', ['head-of-team']],
  ['Vertriebsleiter', ['head-of-team', 'right-department']],
  ['Marketingleiterin', ['head-of-team']],
  ['Leiterin Vertrieb', ['head-of-team', 'right-department']],
])('to the sales-led model a %s is %j', (jobtitle, rules) => {
  expect(fittingRules(SALES_LED, new Map([['jobtitle', jobtitle]])).map(({ id }) => id)).toEqual(rules);
});

test.each([
  ['CTO', ['buyer']],
  ['VP Engineering', ['buyer']],
  ['SVP Product', ['buyer']],
  ['Vice President', ['buyer']],
  ['VPN Administrator', []],
  ['Data Engineer', ['builder']],
  ['Data Scientist', ['builder']],
  ['Product Manager', ['builder']],
  ['Data Entry Clerk', []],
])('to the product-led model a %s is %j', (jobtitle, rules) => {
  expect(fittingRules(PRODUCT_LED, new Map([['jobtitle', jobtitle]])).map(({ id }) => id)).toEqual(rules);
});

test.each([
  'Germany',
  'deutschland',
  'USA',
  'US',
  'United States',
  'UK',
  'United Kingdom',
  'The Netherlands',
])('%s is a core market', (country) => {
  expect(fittingRules(SALES_LED, new Map([['country', country]])).map(({ id }) => id)).toEqual([
    'core-market',
  ]);
});

test.each([
  ['sales-led', SALES_LED],
  ['product-led', PRODUCT_LED],
])('to the %s model who has bought is no lead again', (_kind, model) => {
  const [evaluator] = TYPICAL_CONTACTS.filter(({ id }) => id === 'evaluator');
  if (evaluator === undefined) throw new Error('there is no evaluator');
  // Bought on day 75.
  const { days } = rehearse(model, evaluator, 100);

  expect(new Set(days.slice(75).map(({ status }) => status))).toEqual(new Set(['excluded_customer']));
});

test.each([
  ['UNKNOWN_USER', 'excluded_hard_bounce'],
  ['MAILBOX_FULL', 'scored'],
  ['SPAM', 'scored'],
])('of a hard bounce for %s the status is %s', (reason, status) => {
  const contact = {
    id: 'one',
    title: 'One',
    story: 'bounces',
    properties: { jobtitle: 'CEO', hs_email_hard_bounce_reason_enum: reason },
    company: {},
    happenings: [],
  };

  expect(rehearse(SALES_LED, contact, 1).days.at(-1)?.status).toBe(status);
});
