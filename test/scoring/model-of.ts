import { parse } from 'yaml';
import { checkModel, type Model } from '../../lambdas/scoring/model.ts';
import { NO_SOURCES } from '../../lambdas/scoring/sources.ts';

/** A model from YAML text; name, fit, engagement and grades have to be given only where a test is about them. */
export function modelOf(yaml: string, freemail: readonly string[] = [], sources = NO_SOURCES): Model {
  const checked = checkModel(
    {
      name: 'of-a-test',
      fit: { rules: [] },
      engagement: { signals: [] },
      grades: { bands: [{ grade: 'A', from: -1000 }] },
      ...parse(yaml),
    },
    freemail,
    sources,
  );
  if ('problems' in checked) throw new Error(JSON.stringify(checked.problems));
  return checked.model;
}

/** A model with no caps, no fit and a range that nothing reaches, with these signals in YAML. */
export function modelOfSignals(signals: string, rest = ''): Model {
  return modelOf(`{ range: { min: -1000000, max: 1000000 }, engagement: { signals: ${signals} },
    grades: { bands: [{ grade: A, from: 0 }, { grade: B, from: -1000000 }] }, ${rest} }`);
}
