/** The scripts of the workflows, run as on GitHub, with stand-ins for `npx` and `gh` that write down their calls. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ROOT } from './repository-files.ts';

const SCRIPT_LIMIT_MS = 20_000;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'towpath-workflow-'));
  mkdirSync(join(folder, 'bin'));
  mkdirSync(join(folder, 'plans'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** @param script Bash, after which its calls are in `calls` */
function standIn(program: string, script: string): void {
  const text = `#!/usr/bin/env bash\nprintf '%s\\n' "${program} $*" >> "${folder}/calls"\n${script}\n`;
  writeFileSync(join(folder, 'bin', program), text, { mode: 0o755 });
}

function run(script: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = spawnSync(join(ROOT, '.github', 'scripts', script), args, {
    cwd: folder,
    encoding: 'utf8',
    timeout: SCRIPT_LIMIT_MS,
    env: {
      PATH: `${join(folder, 'bin')}:${process.env.PATH}`,
      GITHUB_OUTPUT: join(folder, 'output'),
      GITHUB_STEP_SUMMARY: join(folder, 'summary'),
      ...env,
    },
  });
  return { status, output: `${stdout}${stderr}` };
}

const left = (name: string) => readFileSync(join(folder, name), 'utf8');
const calls = () => left('calls').trim().split('\n');

function plan(environment: string, answer: object): void {
  writeFileSync(join(folder, 'plans', `${environment}.json`), JSON.stringify(answer));
}

const EMPTY = {
  type: 'result',
  summary: { changes: [], drift: [], outputsChanged: false, empty: true },
  counts: { add: 0, change: 0, destroy: 0 },
  text: '',
};
const CHANGED = {
  type: 'result',
  summary: {
    changes: [
      { address: 'module.network.aws_subnet.private[0]', type: 'aws_subnet', action: 'replace' },
      {
        address: 'module.ecs.aws_ecs_task_definition.this',
        type: 'aws_ecs_task_definition',
        action: 'replace',
      },
    ],
    drift: [],
    outputsChanged: false,
    empty: false,
  },
  counts: { add: 2, change: 0, destroy: 2 },
  text: '- a line\n```\n</details> @everyone\n',
};
const REFUSED = { type: 'error', code: 'NOT_BOOTSTRAPPED', message: 'prod has no | bucket\n`yet`' };

describe('ship.sh', () => {
  it.each([
    [0, 0, 'done'],
    [3, 0, 'waiting'],
    [1, 1, 'failed'],
    [70, 70, 'failed'],
  ])('towpath exits %i: exits %i, %s', (code, status, outcome) => {
    standIn('npx', `echo 'said something'; exit ${code}`);
    expect(run('ship.sh', ['promote'], { ENVIRONMENT: 'qa' }).status).toBe(status);
    expect(calls()).toEqual(['npx towpath promote qa']);
    expect(left('output')).toBe(`outcome=${outcome}\n`);
    expect(left('summary')).toContain(`### promote qa: ${outcome}\n\n    said something\n`);
    expect(left('summary').includes('towpath approve qa')).toBe(outcome === 'waiting');
  });
});

describe('require-role.sh', () => {
  it('says what to set up when there is no role', () => {
    const { status, output } = run('require-role.sh', ['qa'], { ROLE: '' });
    expect(status).toBe(1);
    expect(output).toMatch(/TOWPATH_ROLES.*qa.*docs\/ci\.md/);
  });

  it('says nothing when there is one', () => {
    const role = 'arn:aws:iam::123456789012:role/ci/devops-app-qa-deploy';
    expect(run('require-role.sh', ['qa'], { ROLE: role })).toEqual({ status: 0, output: '' });
  });
});

describe('checkout-commit.sh', () => {
  const git = (...args: string[]) => {
    const settings = ['-c', 'user.name=a', '-c', 'user.email=a@example.com', '-c', 'init.defaultBranch=main'];
    const { stdout, status } = spawnSync('git', [...settings, ...args], { cwd: folder, encoding: 'utf8' });
    expect(status, args.join(' ')).toBe(0);
    return stdout.trim();
  };
  const commit = (message: string) => {
    git('commit', '--quiet', '--allow-empty', '-m', message);
    return git('rev-parse', 'HEAD');
  };

  it('goes to a commit of the branch, and stays where none is named', () => {
    git('init', '--quiet');
    const release = commit('release');
    const newest = commit('newer');
    expect(run('checkout-commit.sh', [], { COMMIT: '' })).toEqual({ status: 0, output: '' });
    expect(git('rev-parse', 'HEAD')).toBe(newest);
    expect(run('checkout-commit.sh', [], { COMMIT: release })).toEqual({ status: 0, output: '' });
    expect(git('rev-parse', 'HEAD')).toBe(release);
  });

  it('refuses what was not merged, and what is no commit', () => {
    git('init', '--quiet');
    commit('main');
    git('checkout', '--quiet', '-b', 'side');
    const unreviewed = commit('side');
    git('checkout', '--quiet', 'main');
    const main = git('rev-parse', 'HEAD');
    for (const name of [unreviewed, 'side', '--help', 'abcdef0$(touch pwned)']) {
      expect(run('checkout-commit.sh', [], { COMMIT: name }).status, name).toBe(1);
    }
    expect(git('rev-parse', 'HEAD')).toBe(main);
    expect(existsSync(join(folder, 'pwned'))).toBe(false);
  });
});

describe('plan.sh', () => {
  const env = { ENVIRONMENT: 'qa', PLAN_ATTEMPTS: '3', PLAN_PAUSE_SECONDS: '0' };

  it('keeps the answer and leaves progress out', () => {
    standIn('npx', `echo '{"type":"stage"}'; echo '${JSON.stringify(EMPTY)}'`);
    expect(run('plan.sh', ['plans'], env).status).toBe(0);
    expect(calls()).toEqual(['npx towpath plan qa --json']);
    expect(JSON.parse(left('plans/qa.json'))).toEqual(EMPTY);
  });

  it('keeps the reason when there is no plan, and fails', () => {
    standIn('npx', `echo '{"type":"error","code":"NOT_BOOTSTRAPPED","message":"no bucket"}'; exit 1`);
    expect(run('plan.sh', ['plans'], env)).toEqual({ status: 1, output: 'no bucket\n' });
    expect(calls()).toHaveLength(1);
  });

  it('waits for a lock, not for ever', () => {
    standIn('npx', `echo '{"type":"error","code":"STATE_LOCKED","message":"locked by x"}'; exit 1`);
    expect(run('plan.sh', ['plans'], env).status).toBe(1);
    expect(calls()).toHaveLength(3);
  });

  it('goes on when the lock is free', () => {
    standIn(
      'npx',
      `[ "$(wc -l < "${folder}/calls")" -gt 1 ] || { echo '{"type":"error","code":"STATE_LOCKED","message":"x"}'; exit 1; }
echo '${JSON.stringify(EMPTY)}'`,
    );
    expect(run('plan.sh', ['plans'], env).status).toBe(0);
    expect(JSON.parse(left('plans/qa.json'))).toEqual(EMPTY);
  });

  it('survives an answer that is none', () => {
    standIn('npx', `echo 'Killed'; exit 137`);
    expect(run('plan.sh', ['plans'], env).status).toBe(137);
  });
});

describe('comment-plans.sh', () => {
  const env = {
    REPOSITORY: 'acme/shop',
    NUMBER: '7',
    COMMIT: 'abcdef0123456789',
    ENVIRONMENTS: '["prod","qa","staging","test"]',
  };
  const comment = () => left('posted');
  const post = (existing: string) =>
    standIn(
      'gh',
      `case "$*" in *--paginate*) printf '%s' '${existing}' ;; *) for word; do case "$word" in body=@*) cp "\${word#body=@}" "${folder}/posted" ;; esac; done ;; esac`,
    );

  it('makes the comment when there is none', () => {
    post('');
    expect(run('comment-plans.sh', ['plans'], env)).toEqual({ status: 0, output: '' });
    expect(calls().at(-1)).toMatch(/^gh api repos\/acme\/shop\/issues\/7\/comments --field body=@/);
  });

  it('updates the one that is there', () => {
    post('111\n222');
    expect(run('comment-plans.sh', ['plans'], env).status).toBe(0);
    expect(calls().at(-1)).toMatch(
      /^gh api --method PATCH repos\/acme\/shop\/issues\/comments\/111 --field body=@/,
    );
  });

  it('says for each environment what would change, or why nothing is known', () => {
    plan('test', EMPTY);
    plan('qa', CHANGED);
    plan('prod', REFUSED);
    post('');
    run('comment-plans.sh', ['plans'], env);
    expect(comment().split('\n').slice(0, 9)).toEqual([
      '<!-- towpath-plans -->',
      '### What abcdef0 would change',
      '',
      '| environment | plan |',
      '|---|---|',
      "| prod | **no plan**: `NOT_BOOTSTRAPPED` `prod has no \\| bucket 'yet'` |",
      '| qa | 2 to add, 0 to change, 2 to destroy<br>⚠ replace `module.network.aws_subnet.private[0]` |',
      '| staging | **no plan**: the job ended before Towpath answered; see its log |',
      '| test | nothing |',
    ]);
    // The plan's own three backticks don't end the block.
    expect(comment()).toContain('````diff\n- a line\n```\n</details> @everyone\n````\n');
    expect(left('summary')).toBe(comment());
  });

  it('stays below GitHub’s limit, and says what is left out', () => {
    for (const name of ['prod', 'qa', 'staging', 'test'])
      plan(name, { ...CHANGED, text: 'x'.repeat(60_000) });
    post('');
    run('comment-plans.sh', ['plans'], env);
    expect(comment().length).toBeLessThan(65_536);
    expect(comment().match(/more characters/g)).toHaveLength(4);
  });
});

describe('report-drift.sh', () => {
  const env = { RUN_URL: 'https://github.com/acme/shop/actions/runs/1', ENVIRONMENTS: '["qa","test"]' };
  const issues = (open: string) => standIn('gh', `case "$*" in 'issue list'*) printf '%s' '${open}' ;; esac`);
  const verbs = () => calls().map((call) => call.split(' ').slice(1, 4).join(' '));

  it('says nothing when all is well', () => {
    plan('test', EMPTY);
    plan('qa', EMPTY);
    issues('');
    expect(run('report-drift.sh', ['plans'], env).status).toBe(0);
    expect(verbs()).toEqual(['issue list --label']);
  });

  it('closes the issue when all is well again', () => {
    plan('test', EMPTY);
    plan('qa', EMPTY);
    issues('42');
    run('report-drift.sh', ['plans'], env);
    expect(verbs()).toEqual(['issue list --label', 'issue close 42']);
  });

  it.each([
    ['drifted', CHANGED],
    ['could not be planned', REFUSED],
    ['gave no answer', undefined],
  ])('opens one when an environment %s, and updates it later', (_what, answer) => {
    plan('test', EMPTY);
    if (answer !== undefined) plan('qa', answer);
    issues('');
    run('report-drift.sh', ['plans'], env);
    expect(verbs()).toEqual(['issue list --label', 'label create drift', 'issue create --title']);
    rmSync(join(folder, 'calls'));
    issues('42');
    run('report-drift.sh', ['plans'], env);
    expect(verbs()).toEqual(['issue list --label', 'issue edit 42']);
    expect(left('summary')).toContain(env.RUN_URL);
  });

  it('is not clean when it knows of no environment', () => {
    issues('');
    run('report-drift.sh', ['plans'], { ...env, ENVIRONMENTS: '[]' });
    expect(verbs()).toContain('issue create --title');
    expect(existsSync(join(folder, 'summary'))).toBe(true);
  });
});
