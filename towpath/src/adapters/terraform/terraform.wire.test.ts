/** The Terraform adapter on a program that plays Terraform and writes down how it was called. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ProgressEvent } from '../../domain/progress.ts';
import { Secret } from '../../domain/secret.ts';
import type { StateLock } from '../../ports.ts';
import { isAlive } from '../process/process-identity.ts';
import { createTerraform, type TerraformOptions } from './terraform.ts';

/** Ends by itself should a test fail to end it. */
const HANG_LIMIT_MS = 20_000;
const WAIT_LIMIT_MS = 10_000;

const PROGRAM = `#!${process.execPath}
const fs = require('node:fs');
const path = require('node:path');
const folder = path.dirname(process.argv[1]);
const script = JSON.parse(fs.readFileSync(path.join(folder, 'script.json'), 'utf8'));
const args = process.argv.slice(2);
if (args[0] === 'version') {
  console.log(script.version);
} else {
  fs.appendFileSync(path.join(folder, 'calls'), JSON.stringify({ args, cwd: process.cwd(), env: process.env, pid: process.pid }) + '\\n');
  const step = script[args[0]] ?? {};
  for (const line of step.lines ?? []) console.log(line);
  process.stderr.write(step.stderr ?? '');
  process.exitCode = step.code ?? 0;
  if (step.hang) {
    process.on('SIGINT', () => {
      fs.appendFileSync(path.join(folder, 'interrupts'), 'x');
      setTimeout(() => process.exit(1), 50);
    });
    fs.writeFileSync(path.join(folder, 'hanging'), '');
    setTimeout(() => process.exit(9), ${HANG_LIMIT_MS});
  }
}
`;

interface Step {
  readonly lines?: readonly string[];
  readonly stderr?: string;
  readonly code?: number;
  readonly hang?: boolean;
}

interface Call {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly pid: number;
}

const VERSION = JSON.stringify({ terraform_version: '1.11.4' });
const json = (value: unknown) => JSON.stringify(value);
const diagnostic = (severity: string, summary: string, detail: string, address?: string) =>
  json({ type: 'diagnostic', diagnostic: { severity, summary, detail, address } });
const planned = (action: string) =>
  json({
    type: 'planned_change',
    change: { resource: { addr: 'aws_lb.this', resource_type: 'aws_lb' }, action },
  });

let base: string;
let events: ProgressEvent[];
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'terraform-')));
  for (const folder of ['bin', 'infra/envs/test', 'home']) mkdirSync(join(base, folder), { recursive: true });
  writeFileSync(join(base, 'bin', 'terraform'), PROGRAM, { mode: 0o755 });
  writeFileSync(join(base, 'infra', 'envs', 'test', 'backend.hcl'), 'bucket = "one"\n');
  play({});
  events = [];
  vi.stubEnv('PATH', `${join(base, 'bin')}:${process.env.PATH}`);
  vi.stubEnv('HOME', join(base, 'home'));
  vi.stubEnv('TF_CLI_CONFIG_FILE', undefined);
  vi.stubEnv('TOWPATH_PROVIDER_MIRROR', 'none');
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(base, { recursive: true, force: true });
});

function play(steps: Readonly<Record<string, Step>>, version = VERSION): void {
  writeFileSync(join(base, 'bin', 'script.json'), json({ version, ...steps }));
}

function calls(): readonly Call[] {
  const file = join(base, 'bin', 'calls');
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Call);
}

function open(changes: Partial<TerraformOptions> = {}) {
  return createTerraform({
    infra: join(base, 'infra'),
    environment: 'test',
    dataDir: join(base, 'data'),
    awsEnvironment: async () => ({ AWS_REGION: 'eu-west-1' }),
    isolated: true,
    readStateLock: async () => undefined,
    notifier: { notify: (event) => void events.push(event) },
    ...changes,
  });
}

const variables = {
  image: 'repository@sha256:a',
  secrets: new Map([['app-secret', new Secret('hunter-2')]]),
};

async function untilThere(name: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < WAIT_LIMIT_MS; waitedMs += 10) {
    if (existsSync(join(base, 'bin', name))) return;
    await delay(10);
  }
  throw new Error(`${name} did not appear within ${WAIT_LIMIT_MS} ms`);
}

describe('the search for Terraform', () => {
  it('says where to get one that is missing', async () => {
    vi.stubEnv('PATH', join(base, 'home'));
    await expect(open().init()).rejects.toMatchObject({
      code: 'TERRAFORM_NOT_FOUND',
      hint: expect.stringMatching(/install/),
    });
  });

  it.each(['0.15.5', '1.10.9'])('refuses version %s with what is needed', async (version) => {
    play({}, json({ terraform_version: version }));
    await expect(open().init()).rejects.toMatchObject({
      code: 'TERRAFORM_TOO_OLD',
      message: expect.stringMatching(new RegExp(`${version}.*1\\.11 or newer`)),
    });
    expect(calls()).toEqual([]);
  });

  it.each(['1.11.0', '1.12.0-rc1', '2.0.0'])('takes version %s', async (version) => {
    play({}, json({ terraform_version: version }));
    await open().init();
    expect(calls()).toHaveLength(1);
  });

  it('does not take a program that answers nonsense', async () => {
    play({}, 'I am not Terraform');
    await expect(open().init()).rejects.toMatchObject({ code: 'TERRAFORM_NOT_FOUND' });
  });
});

describe('init', () => {
  it('happens once, and again when the backend changes', async () => {
    writeFileSync(join(base, 'infra', '.terraform.lock.hcl'), '');
    await open().init();
    await open().init();
    expect(calls()).toHaveLength(1);
    expect(calls()[0]?.args).toContain('-backend-config=envs/test/backend.hcl');
    writeFileSync(join(base, 'infra', 'envs', 'test', 'backend.hcl'), 'bucket = "two"\n');
    await open().init();
    expect(calls()).toHaveLength(2);
    // With nothing to do it fails too: what follows would name the program only after this had ended well.
    vi.stubEnv('PATH', join(base, 'home'));
    await expect(open().init()).rejects.toMatchObject({ code: 'TERRAFORM_NOT_FOUND' });
  });

  it('that failed happens again', async () => {
    writeFileSync(join(base, 'infra', '.terraform.lock.hcl'), '');
    play({ init: { code: 1, stderr: 'Error: no such bucket\n' } });
    await expect(open().init()).rejects.toMatchObject({
      code: 'TERRAFORM_FAILED',
      message: 'terraform init failed with exit code 1.',
      context: ['Error: no such bucket'],
    });
    play({});
    await open().init();
    expect(calls()).toHaveLength(2);
  });
});

describe('plan and apply', () => {
  it('give secrets in the environment and never in arguments, events or files', async () => {
    play({ plan: { lines: [planned('create')] } });
    const terraform = open();
    const plan = await terraform.plan(variables);
    await terraform.apply(plan, variables);
    const [planCall, applyCall] = calls();
    for (const call of [planCall, applyCall]) {
      expect(call?.args.join(' ')).not.toContain('hunter-2');
      expect(call?.env.TF_VAR_secrets).toBe('{"app-secret":"hunter-2"}');
    }
    expect(planCall?.env.TF_VAR_image).toBe(variables.image);
    expect(applyCall?.args).toEqual(['apply', '-json', '-input=false', plan.file]);
    expect(json(events)).not.toContain('hunter-2');
    expect(readFileSync(join(base, 'data', 'terraform.rc'), 'utf8')).not.toContain('hunter-2');
  });

  it('keep the variables of the caller out that would change what happens', async () => {
    vi.stubEnv('TF_VAR_image', 'somebody/elses');
    vi.stubEnv('TF_CLI_ARGS_apply', '-auto-approve');
    vi.stubEnv('TF_WORKSPACE', 'other');
    vi.stubEnv('AWS_PROFILE', 'production');
    vi.stubEnv('TF_LOG', 'WARN');
    const terraform = open();
    await terraform.apply(await terraform.plan(variables), variables);
    for (const { env } of calls()) {
      expect(env).not.toHaveProperty('TF_CLI_ARGS_apply');
      expect(env).not.toHaveProperty('TF_WORKSPACE');
      expect(env).not.toHaveProperty('AWS_PROFILE');
      expect(env).toMatchObject({ AWS_REGION: 'eu-west-1', TF_LOG: 'WARN', TF_IN_AUTOMATION: '1' });
      expect(env.TF_DATA_DIR).toBe(join(base, 'data', 'data'));
      expect(env.TF_VAR_image ?? variables.image).toBe(variables.image);
    }
    await open({ isolated: false }).plan(variables);
    expect(calls().at(-1)?.env.AWS_PROFILE).toBe('production');
  });

  it('tell what is planned and how it goes', async () => {
    const hook = { resource: { addr: 'aws_lb.this' }, action: 'create', elapsed_seconds: 2 };
    play({
      plan: { lines: [planned('create'), 'stray words'] },
      apply: { lines: [json({ type: 'apply_complete', hook })] },
    });
    const terraform = open();
    const plan = await terraform.plan(variables, { destroy: true });
    expect(plan.summary).toMatchObject({ empty: false, changes: [{ address: 'aws_lb.this' }] });
    expect(calls()[0]?.args).toContain('-destroy');
    await terraform.apply(plan, variables);
    expect(events).toMatchObject([
      { type: 'terraform.plan', summary: plan.summary },
      { type: 'terraform.resource', address: 'aws_lb.this', state: 'done', elapsedSeconds: 2 },
    ]);
  });

  it('hide the one expected warning, and show every other', async () => {
    play({
      plan: {
        lines: [
          diagnostic('warning', 'Deprecated Parameter', 'The parameter "dynamodb_table" is deprecated.'),
          diagnostic('warning', 'Value for undeclared variable', 'First line.\nSecond line.'),
        ],
      },
    });
    await open().plan(variables);
    const warnings = events.flatMap((event) => (event.type === 'warning' ? [event.text] : []));
    expect(warnings).toEqual(['Terraform: Value for undeclared variable. First line.']);
  });

  it('report the first error with its place, and all of them as context', async () => {
    play({
      plan: {
        code: 1,
        lines: [
          diagnostic('error', 'No quota', 'Ask for more.', 'module.network.aws_eip.nat[0]'),
          diagnostic('error', 'No right', 'Ask for it.'),
        ],
      },
    });
    await expect(open().plan(variables)).rejects.toMatchObject({
      code: 'TERRAFORM_FAILED',
      message: 'terraform plan failed: No quota (module.network.aws_eip.nat[0]).',
      context: ['No quota [module.network.aws_eip.nat[0]]', 'Ask for more.', 'No right', 'Ask for it.'],
      hint: expect.stringContaining('towpath plan test'),
    });
  });

  it('says that the credentials expired, by the code that AWS gives', async () => {
    const detail = 'api error ExpiredTokenException: The security token included in the request is expired';
    play({ apply: { code: 1, lines: [diagnostic('error', 'updating ECS Service', detail)] } });
    const terraform = open();
    const plan = await terraform.plan(variables);
    await expect(terraform.apply(plan, variables)).rejects.toMatchObject({
      code: 'CREDENTIALS_EXPIRED',
      message: 'The AWS credentials expired while terraform apply ran.',
      context: ['updating ECS Service', detail],
    });
  });
});

describe('a state lock', () => {
  const lock: StateLock = {
    id: 'state-1',
    who: 'somebody@elsewhere',
    operation: 'OperationTypeApply',
    created: '2026-01-01T00:00:00Z',
  };
  const refused = diagnostic('error', 'Error acquiring the state lock', 'ConditionalCheckFailedException');

  it('[backend.loser] that is really there is told with who holds it', async () => {
    play({ plan: { code: 1, lines: [refused] } });
    await expect(open({ readStateLock: async () => lock }).plan(variables)).rejects.toMatchObject({
      code: 'STATE_LOCKED',
      message: expect.stringMatching(/somebody@elsewhere since 2026-01-01T00:00:00Z .*state-1/),
      hint: expect.stringMatching(/^wait .*towpath unlock test/),
    });
  });

  it('that is only spoken of is an ordinary failure', async () => {
    play({ plan: { code: 1, lines: [refused] } });
    await expect(open().plan(variables)).rejects.toMatchObject({ code: 'TERRAFORM_FAILED' });
  });

  it('is freed by its id', async () => {
    await open().forceUnlock('state-1');
    expect(calls()[0]?.args).toEqual(['force-unlock', '-force', 'state-1']);
  });

  it('shows the Terraform of ours that still runs, as long as it does', async () => {
    play({ apply: { hang: true } });
    const interrupt = new AbortController();
    const terraform = open({ readStateLock: async () => lock });
    const plan = await terraform.plan(variables);
    const applying = terraform.apply(plan, variables, interrupt.signal);
    const ended = expect(applying).rejects.toMatchObject({ code: 'ABORTED' });
    await untilThere('hanging');
    const shown = await terraform.stateLock();
    expect(shown).toEqual({ ...lock, runningPid: expect.any(Number) });
    expect(isAlive(shown?.runningPid ?? 0, undefined)).toBe(true);
    interrupt.abort();
    await ended;
    expect(await terraform.stateLock()).toEqual({ ...lock, runningPid: undefined });
  });
});

describe('an interrupt', () => {
  it('[backend.interrupted] reaches Terraform once, and is awaited', async () => {
    play({ apply: { hang: true } });
    const interrupt = new AbortController();
    const terraform = open();
    const plan = await terraform.plan(variables);
    const applying = terraform.apply(plan, variables, AbortSignal.any([interrupt.signal]));
    const ended = expect(applying).rejects.toMatchObject({
      code: 'ABORTED',
      message: expect.stringContaining('saved its state'),
    });
    await untilThere('hanging');
    interrupt.abort();
    interrupt.abort();
    await ended;
    expect(readFileSync(join(base, 'bin', 'interrupts'), 'utf8')).toBe('x');
    expect(isAlive(calls().at(-1)?.pid ?? 0, undefined)).toBe(false);
  });

  it.runIf(process.platform === 'linux')(
    'that comes several times, as when the command is killed, reaches Terraform once',
    async () => {
      play({ apply: { hang: true } });
      const terraform = open({
        readStateLock: async () => ({ id: '', who: '', operation: '', created: '' }),
      });
      const plan = await terraform.plan(variables);
      const ended = expect(terraform.apply(plan, variables)).rejects.toMatchObject({
        code: 'TERRAFORM_FAILED',
      });
      await untilThere('hanging');
      const pid = (await terraform.stateLock())?.runningPid ?? 0;
      for (let each = 0; each < 3; each += 1) process.kill(pid, 'SIGINT');
      await ended;
      expect(readFileSync(join(base, 'bin', 'interrupts'), 'utf8')).toBe('x');
    },
  );

  it('before the start starts nothing', async () => {
    await expect(open().init(AbortSignal.abort(new Error('received SIGINT')))).rejects.toThrow('SIGINT');
    expect(calls()).toEqual([]);
  });
});

describe('a target that ends while Terraform runs', () => {
  it('ends Terraform at once, and says what is gone', async () => {
    play({ apply: { hang: true } });
    const running = { value: true };
    const terraform = open({ targetRuns: () => running.value });
    const plan = await terraform.plan(variables);
    const ended = expect(terraform.apply(plan, variables)).rejects.toMatchObject({
      code: 'LOCAL_NOT_RUNNING',
    });
    await untilThere('hanging');
    running.value = false;
    await ended;
    expect(existsSync(join(base, 'bin', 'interrupts'))).toBe(false);
    const deadline = Date.now() + WAIT_LIMIT_MS;
    const lives = () => isAlive(calls().at(-1)?.pid ?? 0, undefined);
    while (lives() && Date.now() < deadline) await delay(10);
    expect(lives()).toBe(false);
  });
});
