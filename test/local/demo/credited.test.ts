import { countCredited, formatCredited } from '../../../local/demo/credited.ts';
import { createCrm } from '../../../local/hubspot/crm.ts';
import { createCrmState } from '../../../local/hubspot/records.ts';

const NOW_MS = Date.UTC(2026, 10, 10, 12);
const SHOWN = ['ai_influenced', 'ai_first_source', 'ai_last_source', 'ai_sessions', 'journey', 'sources'];

function portal() {
  const crm = createCrm(createCrmState(() => NOW_MS, 1));
  for (const type of ['contacts', 'deals'] as const)
    for (const name of [...SHOWN, 'ai_amount_linear', 'ai_amount_u_shaped'])
      crm.defineProperty(type, {
        name: `afterglow_${name}`,
        type: 'string',
        fieldType: 'text',
        groupName: 'afterglow_ai',
      });
  return crm;
}

function byAi(firstname: string, sessions: string) {
  return {
    firstname,
    afterglow_ai_influenced: 'true',
    afterglow_ai_first_source: 'ChatGPT',
    afterglow_ai_last_source: 'Claude',
    afterglow_ai_sessions: sessions,
    afterglow_journey: 'ChatGPT 3 Mar 2026 > Claude 5 Mar 2026',
  };
}

const SPLIT = 'ChatGPT 400.00 USD (40 %)\nGoogle 600.00 USD (60 %)';

test('names the contacts whom AI assistants brought most often, and the won deal with the most sources', () => {
  const crm = portal();
  crm.create('contacts', { firstname: 'Nobody', afterglow_ai_influenced: 'false' });
  crm.create('contacts', byAi('Ada', '2'));
  crm.create('contacts', byAi('Bob', '11'));
  const deal = (dealname: string, dealstage: string, sources: string) =>
    crm.create('deals', {
      dealname,
      dealstage,
      amount: 1000,
      deal_currency_code: 'USD',
      afterglow_ai_influenced: String(sources.includes('ChatGPT')),
      afterglow_sources: sources,
      afterglow_ai_amount_linear: '400',
      afterglow_ai_amount_u_shaped: '500',
    });
  deal('an open one', 'contractsent', `${SPLIT}\nDirect 0.00 USD (0 %)`);
  deal('one of a single source', 'closedwon', 'ChatGPT 1000.00 USD (100 %)');
  const won = deal('the one', 'closedwon', SPLIT);
  deal('one without', 'closedwon', 'Google 1000.00 USD (100 %)\nBing 0.00 USD (0 %)\nDirect 0.00 USD (0 %)');

  const lines = formatCredited(crm)?.split('\n') ?? [];

  expect(lines[0]).toMatch(/^FIRST AI SOURCE +LAST AI SOURCE +VISITS +NAME +CONTACT +JOURNEY$/);
  expect(lines[1]).toMatch(/^ChatGPT +Claude +11 +Bob +\d+ +ChatGPT 3 Mar 2026 > Claude 5 Mar 2026$/);
  expect(lines[2]).toMatch(/^ChatGPT +Claude +2 +Ada /);
  expect(lines.slice(3)).toEqual([
    '',
    `WON  the one (${won}), 1000 USD, credited to`,
    '  ChatGPT 400.00 USD (40 %)',
    '  Google 600.00 USD (60 %)',
    '  AI assistants have a part of linear 400, u shaped 500',
  ]);
  expect(countCredited(crm)).toEqual({ contactsByAi: 2, dealsCredited: 4, dealsByAi: 3 });
});

test('says nothing where nobody came from an AI assistant', () => {
  const crm = portal();
  crm.create('contacts', { firstname: 'Nobody' });

  expect(formatCredited(crm)).toBeUndefined();
  expect(countCredited(crm)).toEqual({ contactsByAi: 0, dealsCredited: 0, dealsByAi: 0 });
});
