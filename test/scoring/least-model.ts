// The least that is a model, its least parts, and what is said of one that is none.
import { checkModel } from '../../lambdas/scoring/model.ts';

export const LEAST = {
  name: 'least',
  fit: { rules: [] },
  engagement: { signals: [] },
  grades: { bands: [{ grade: 'A', from: 0 }] },
};
export const LOGIN = {
  id: 'login',
  title: 'Login',
  from: { kind: 'signal', signal: 'login' },
  points: 1,
  halfLifeDays: 7,
};
export const PHONE = { id: 'phone', title: 'Phone', property: 'phone', known: true, points: 1 };

/** Every problem of the least model with other parts, as `path: reason`. */
export function problemsOf(more: object): string[] {
  const checked = checkModel({ ...LEAST, ...more });
  return 'problems' in checked
    ? checked.problems.map(({ path, reason }) => `${path.join('.')}: ${reason}`)
    : [];
}
