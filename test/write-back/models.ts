// Models that ask for more than the contact itself.
import { checkModel, type Model } from '../../lambdas/scoring/model.ts';
import type { Source, Sources } from '../../lambdas/scoring/sources.ts';

const login = { kind: 'signal', signal: 'product.login' };

function modelWith(parts: object, sources?: Sources): Model {
  const checked = checkModel(
    {
      name: 'logins',
      range: { min: 0, max: 1000 },
      fit: { rules: [] },
      engagement: {
        signals: [{ id: 'login', title: 'Logged in', from: login, points: 7, halfLifeDays: 'never' }],
      },
      grades: { bands: [{ grade: 'A', from: 0 }] },
      ...parts,
    },
    [],
    sources,
  );
  if ('problems' in checked) throw new Error(JSON.stringify(checked.problems));
  return checked.model;
}

/** Seven points for each login, ten for a company of at least 100 people. The best contact speaks for the company. */
export function companyModel(): Model {
  const large = {
    id: 'large',
    title: 'Large company',
    property: 'company.numberofemployees',
    atLeast: 100,
    points: 10,
  };
  return modelWith({ fit: { rules: [large] }, companyScore: { rollUp: 'maximum' } });
}

/** Seven points for each login; who bought is excluded, and a lost deal starts anew. */
export function dealModel(): Model {
  return modelWith({
    exclusions: [{ id: 'customer', title: 'Is a customer', deal: 'won' }],
    resetOn: [{ id: 'lost', title: 'Deal lost', deal: 'lost' }],
  });
}

const from = (id: string, channel: Source['channel'], label: string, host: string): Source => ({
  id,
  channel,
  label,
  hosts: [host],
  utmSources: [],
  userAgents: [],
  hubSpotDetails: [],
});

const SOURCES: Sources = {
  sources: [
    from('chatgpt', 'ai', 'ChatGPT', 'chatgpt.com'),
    from('claude', 'ai', 'Claude', 'claude.ai'),
    from('google', 'search', 'Google', 'google.com'),
  ],
  mediums: {},
};

/** Credits deals to the visits of 90 days, by these ways. @param parts - of the model besides */
export function creditModel(models: readonly string[] = ['linear'], parts: object = {}): Model {
  return modelWith({ attribution: { models }, ...parts }, SOURCES);
}
