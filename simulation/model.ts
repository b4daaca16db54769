// The model of the simulated portals: few rules, of which the oracle knows the points by heart.
import { join } from 'node:path';
import { readSources } from '../cli/model-file.ts';
import { checkModel, type Model } from '../lambdas/scoring/model.ts';

/** Points, and where they come from. */
export const POINTS = { cto: 10, large: 20, login: 7, click: 5, view: 3, aiVisit: 4 } as const;
/** Employees from which a company is large. */
export const LARGE = 100;
/** Days after which a click is worth half; nothing else fades. */
export const CLICK_HALF_LIFE_DAYS = 30;
/** The range of scores, and the grade from which a contact is an A. */
export const HIGHEST = 1000;
export const A_FROM = 30;

function signal(id: string, from: object, points: number, halfLifeDays: number | 'never' = 'never') {
  return { id, title: id, from, points, halfLifeDays };
}

/** The model by which everything is scored and credited here. */
export function simulatedModel(): Model {
  const content = {
    name: 'simulation',
    range: { min: 0, max: HIGHEST },
    fit: {
      rules: [
        { id: 'cto', title: 'Is a CTO', property: 'jobtitle', is: ['CTO'], points: POINTS.cto },
        {
          id: 'large',
          title: 'Large company',
          property: 'company.numberofemployees',
          atLeast: LARGE,
          points: POINTS.large,
        },
      ],
    },
    engagement: {
      signals: [
        signal('login', { kind: 'signal', signal: 'product.login' }, POINTS.login),
        signal(
          'click',
          { kind: 'timestamp', property: 'hs_email_last_click_date' },
          POINTS.click,
          CLICK_HALF_LIFE_DAYS,
        ),
        signal('view', { kind: 'counter', property: 'hs_analytics_num_page_views' }, POINTS.view),
        signal('ai-visit', { kind: 'touch', channel: 'ai' }, POINTS.aiVisit),
      ],
    },
    exclusions: [
      { id: 'unqualified', title: 'Unqualified', property: 'hs_lead_status', is: ['UNQUALIFIED'] },
    ],
    companyScore: { rollUp: 'maximum' },
    grades: {
      bands: [
        { grade: 'A', from: A_FROM },
        { grade: 'B', from: 0 },
      ],
    },
    attribution: { windowDays: 90, models: ['linear', 'first', 'uShaped'] },
  };
  const checked = checkModel(content, [], readSources(join(import.meta.dirname, '../models/sources.yaml')));
  if ('problems' in checked) throw new Error(JSON.stringify(checked.problems));
  return checked.model;
}
