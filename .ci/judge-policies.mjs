// A judge of another make: decides every request of a file again with iam-simulate, and fails where it disagrees with our evaluator.
//
//   AFTERGLOW_REQUESTS_FILE=requests.json npm test -- test/lib/policies.test.ts
//   node .ci/judge-policies.mjs requests.json
//
// iam-simulate is under the AGPL: it is fetched for this one run, into a folder that is removed again, and is no part of Afterglow.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SIMULATOR = '@cloud-copilot/iam-simulate@0.1.173';
/** Fewer would mean that the file, or the simulator, is not what it should be. */
const LEAST_JUDGED = 1000;
const DECISIONS = {
  Allowed: 'allowed',
  ExplicitlyDenied: 'explicitly denied',
  ImplicitlyDenied: 'implicitly denied',
};
const ALLOW_ALL = {
  orgIdentifier: 'root',
  policies: [
    {
      name: 'all',
      policy: { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: '*', Resource: '*' } },
    },
  ],
};

const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('name the file with the requests');
const { roles, ofResources, requests } = JSON.parse(readFileSync(file, 'utf8'));

const folder = mkdtempSync(join(tmpdir(), 'afterglow-judge-'));
try {
  const { runSimulation } = await fetchSimulator(folder);
  const differences = [];
  const unjudged = [];
  for (const request of requests) {
    const result = await runSimulation(simulationOf(request), {});
    const decision = result.resultType === 'error' ? undefined : DECISIONS[result.overallResult];
    if (decision === undefined) unjudged.push({ ...request, why: result.errors?.message });
    else if (decision !== request.decision) differences.push({ ...request, other: decision });
  }
  const judged = requests.length - unjudged.length;
  for (const one of differences) console.log(`DIFFERS ${JSON.stringify(one)}`);
  const made = unjudged.filter(({ isMade }) => isMade);
  for (const one of made) console.log(`NOT JUDGED ${JSON.stringify(one)}`);
  const allowed = requests.filter(({ decision }) => decision === 'allowed').length;
  console.log(
    `${judged} of ${requests.length} requests judged (${allowed} allowed), ${differences.length} differences, ${made.length} recorded calls not judged`,
  );
  if (differences.length > 0 || made.length > 0 || judged < LEAST_JUDGED) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Installs the simulator where nothing of ours is. */
async function fetchSimulator(directory) {
  writeFileSync(join(directory, 'package.json'), '{"private":true,"type":"module"}');
  const options = ['--no-audit', '--no-fund', '--ignore-scripts', '--no-package-lock'];
  execFileSync('npm', ['install', ...options, SIMULATOR], {
    cwd: directory,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const require = createRequire(join(directory, 'package.json'));
  return require('@cloud-copilot/iam-simulate');
}

function simulationOf({ role, action, resource, context }) {
  const { arn, policies } = roles.find(({ name }) => name === role);
  const hanging = ofResources.find(({ attachedTo }) =>
    attachedTo.some((one) => resource === one || resource.startsWith(`${one}/`)),
  );
  return {
    request: {
      principal: arn,
      action,
      resource: { resource, accountId: arn.split(':')[4] },
      contextVariables: context,
    },
    identityPolicies: policies.map((policy, at) => ({ name: `policy ${at}`, policy })),
    serviceControlPolicies: [ALLOW_ALL],
    resourceControlPolicies: [],
    ...(hanging && { resourcePolicy: hanging.document }),
  };
}
