/**
 * A command that is killed, or that AWS refuses to answer, in the middle of its work on the embedded AWS: what the
 * next operator is told, and that the same command then works. `CRASH_SEED` repeats the random moments of a run.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FaultyAws, startFaultyAws } from '../support/faulty-aws.ts';
import { killTree, processTree, type RunningProcess, survivorsAfter } from '../support/process-tree.ts';
import type { CommandResult, RunningCommand } from '../support/run-command.ts';
import { type TerraformByHand, terraformByHand } from '../support/terraform-by-hand.ts';
import { Journey, lastJson } from './environment.ts';

/** What is killed: the command alone (Terraform then ends by itself), or Terraform too, as in a power cut. */
type Death = 'alone' | 'with Terraform';

/** Steps of a deployment, by the line that tells of them, each with the deaths that are told apart there. */
const BOUNDARIES: readonly (readonly [line: string, death: Death])[] = [
  ['→ build', 'alone'],
  ['✓ terraform init', 'with Terraform'],
  ['✓ build', 'alone'],
  ['→ plan', 'with Terraform'],
  ['✓ plan', 'alone'],
  ['→ apply', 'with Terraform'],
  ['✓ create module.ecs.aws_ecs_task_definition.this', 'alone'],
  ['✓ update module.ecs.aws_ecs_service.this', 'alone'],
  ['✓ update module.ecs.aws_ecs_service.this', 'with Terraform'],
  ['→ verify', 'alone'],
  ['✓ verify', 'with Terraform'],
];
const RANDOM_KILLS = 2;
/** An image-only deployment takes about ten seconds. */
const RANDOM_WINDOW_MS = 10_000;
const SEED = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);

const POLL_MS = 10;
const STEP_LIMIT_MS = 60_000;
/** Terraform that was interrupted finishes the resource at hand; none takes longer before the load balancer's turn. */
const TERRAFORM_END_LIMIT_MS = 45_000;

let journey: Journey;
let aws: FaultyAws;
let hand: TerraformByHand;
let version = 0;

beforeAll(async () => {
  journey = new Journey();
  await journey.up();
  hand = terraformByHand({
    cwd: `${journey.project.path}/infra`,
    endpoint: journey.endpoint,
    env: { TF_DATA_DIR: `${journey.project.path}/.by-hand` },
  });
  aws = await startFaultyAws(journey.endpoint);
  // Commands find the embedded AWS through this file: from here on they reach it through the one that can refuse.
  const file = join(journey.project.path, '.towpath', 'local', 'local.json');
  const local = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  writeFileSync(file, JSON.stringify({ ...local, endpoint: aws.endpoint }));
});

afterAll(async () => {
  await aws?.close();
  hand?.remove();
  await journey?.down();
});

const deploy = () => journey.start(['deploy', 'test', '--generate-secrets']);
const nextVersion = () => journey.changeGreeting(`from version ${++version}`);

/** Resolves with true when the line has come, with false when the command ended without it. */
async function untilLine(command: RunningCommand, line: string): Promise<boolean> {
  let ended = false;
  const end = () => {
    ended = true;
  };
  command.ended.then(end, end);
  const deadline = Date.now() + STEP_LIMIT_MS;
  while (Date.now() < deadline && !ended) {
    if (command.stdout().includes(line)) return true;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return command.stdout().includes(line);
}

/** Kills it, and waits until nothing that it started runs any more. */
async function kill(command: RunningCommand, death: Death): Promise<void> {
  const seen: readonly RunningProcess[] = processTree(command.pid);
  if (death === 'alone') command.signal('SIGKILL');
  else killTree(command.pid);
  await command.ended;
  expect(await survivorsAfter(seen, TERRAFORM_END_LIMIT_MS), 'processes left behind').toEqual([]);
}

/** `status` says what was going on, `unlock` frees what was left. */
async function mend(pid: number, expected: { readonly open: boolean | undefined }): Promise<void> {
  const told = await journey.status('test');
  expect(told.lock).toMatchObject({ pid, liveness: 'dead' });
  expect(told.unfinished).toMatchObject({ next: 'towpath unlock test' });
  const open = told.lastDeployment?.state === 'running';
  if (expected.open !== undefined) expect(open, told.unfinished?.text).toBe(expected.open);
  if (open) expect(told.unfinished?.text).toContain(`deployment ${told.lastDeployment?.id} `);
  await unlock();
  if (!open) return;
  const next = (await journey.status('test')).unfinished?.next;
  expect(next).toContain('towpath deploy test goes on with');
}

async function unlock(): Promise<void> {
  const unlocked = await journey.run(['unlock', 'test', '--json']);
  expect(unlocked.exitCode, unlocked.stdout).toBe(0);
  expect(lastJson(unlocked)).toMatchObject({ holder: { liveness: 'dead' } });
  expect(lastJson(unlocked).freed).toContain('environment lock');
}

/** The same command again ends well, and everybody agrees on what runs. */
async function finish(): Promise<CommandResult> {
  const result = await deploy().ended;
  expect(result.exitCode, result.stdout.slice(-2_000) + result.stderr).toBe(0);
  const { current, service, ...told } = await journey.status('test');
  expect(told.unfinished).toBeUndefined();
  expect(told.lock).toBeUndefined();
  const digest = current?.release.imageDigest;
  expect(service?.tasks.map(({ imageDigest }) => imageDigest)).toEqual([digest]);
  if (version > 0) {
    const answer = await (await fetch(`${service?.url}/`)).json();
    expect(answer).toMatchObject({ greeting: `Hello from version ${version}`, imageDigest: digest });
  }
  return result;
}

interface Deployment {
  readonly what: string;
  readonly deployment?: string;
  readonly release?: string;
  readonly outcome?: string;
}

/** The chain holds, each deployment has one outcome, and each release succeeded once. */
async function expectWholeLedger(): Promise<void> {
  const verified = await journey.run(['history', 'test', '--verify', '--json']);
  expect(verified.exitCode, verified.stdout).toBe(0);
  const history = await journey.run(['history', 'test', '--json']);
  const { entries } = lastJson(history) as { entries: readonly Deployment[] };
  const outcomes = entries.filter(({ outcome }) => outcome !== undefined).map(({ deployment }) => deployment);
  expect(new Set(outcomes).size, 'one outcome for each deployment').toBe(outcomes.length);
  const successes = entries.filter(({ outcome }) => outcome === 'succeeded').map(({ release }) => release);
  expect(new Set(successes).size, 'one success for each release').toBe(successes.length);
}

async function expectEmptyPlan(): Promise<void> {
  const { current } = await journey.status('test');
  const flags = ['-input=false', '-no-color'];
  const init = await hand.run(['init', ...flags, '-backend-config=envs/test/backend.hcl']);
  expect(init.exitCode, init.stderr).toBe(0);
  const variables = ['-var-file=envs/test/terraform.tfvars.json', `-var=image=${current?.image}`];
  const plan = await hand.run(['plan', '-detailed-exitcode', ...flags, ...variables]);
  expect(plan.exitCode, plan.stdout.slice(-3_000) + plan.stderr).toBe(0);
}

describe('a first deployment', () => {
  it('that is killed while Terraform creates the network is finished by the same command', async () => {
    const first = deploy();
    expect(await untilLine(first, '✓ create module.'), first.stdout()).toBe(true);
    await kill(first, 'alone');
    await mend(first.pid, { open: true });
    const again = await finish();
    expect(again.stdout).toContain('never ended; recorded as aborted');
    await expectEmptyPlan();
  });
});

describe('a deployment that is killed', () => {
  for (const [line, death] of BOUNDARIES) {
    it(`${death}, at "${line}", can be told of, and cleared away`, async () => {
      nextVersion();
      const command = deploy();
      expect(await untilLine(command, line), command.stdout()).toBe(true);
      await kill(command, death);
      const text = command.stdout();
      // Between a line and what comes after it the blow may fall on either side.
      const sure = line === '→ apply' || text.includes('✓ create ');
      const open = text.includes('✓ verify') || line === '✓ plan' ? undefined : sure;
      await mend(command.pid, { open });
    });
  }

  it('is finished by the same command', async () => {
    await finish();
    await expectWholeLedger();
  });

  it(`at random moments (CRASH_SEED=${SEED}) too`, async () => {
    const random = seededRandom(SEED);
    for (let round = 0; round < RANDOM_KILLS; round += 1) {
      nextVersion();
      const afterMs = Math.round(random() * RANDOM_WINDOW_MS);
      const death: Death = random() < 0.5 ? 'alone' : 'with Terraform';
      const command = deploy();
      await Promise.race([new Promise((resolve) => setTimeout(resolve, afterMs)), command.ended]);
      await kill(command, death);
      const moment = `seed ${SEED}, round ${round}: killed ${death} after ${afterMs} ms`;
      const { lock } = await journey.status('test');
      if (lock !== undefined) await mend(command.pid, { open: undefined });
      else expect(command.stdout(), moment).toMatch(/now runs|^(?!.*→ build)/s);
    }
    await finish();
    await expectWholeLedger();
    await expectEmptyPlan();
  });
});

describe('a deployment to which AWS says no in the middle', () => {
  it('because the credentials expired before the intent changes nothing', async () => {
    nextVersion();
    aws.refuse(({ service, method, url }) =>
      service === 's3' && method === 'PUT' && url.includes('/ledger/') ? 'expired' : undefined,
    );
    const result = await deploy().ended;
    expect(aws.heal()).toBeGreaterThan(0);
    expectRefused(result, /credentials have expired \(s3:PutObject: ExpiredToken\)/);
    expect((await journey.status('test')).unfinished).toBeUndefined();
  });

  it('because they expired while Terraform applied loses neither state nor record', async () => {
    const command = deploy();
    const line = '✓ create module.ecs.aws_ecs_task_definition.this';
    expect(await untilLine(command, line), command.stdout()).toBe(true);
    // Terraform's work on the service goes through; nothing can be written down any more.
    aws.refuse(({ service, method }) =>
      (service === 's3' && method !== 'GET') || service === 'dynamodb' ? 'expired' : undefined,
    );
    const result = await command.ended;
    expect(aws.heal()).toBeGreaterThan(0);
    expectRefused(result, /credentials.* expired/);
    expect(result.stdout).toContain('the outcome could not be recorded');
    expect(result.stdout).toMatch(/could not save the state of test; it is kept as \S+unsaved\.tfstate/);
    await mend(command.pid, { open: true });
    const again = await finish();
    expect(again.stdout).toContain('the state that an earlier apply of test could not save is saved now');
    await expectEmptyPlan();
  });

  it.each([
    ['throttles', /AWS throttles/],
    ['fails', /AWS failed to answer s3:\w+ \(HTTP 500/],
  ] as const)('because it %s for longer than is retried', async (how, says) => {
    nextVersion();
    aws.refuse(({ service }) =>
      service === 's3' ? (how === 'throttles' ? 'throttled' : 'broken') : undefined,
    );
    const result = await deploy().ended;
    expect(aws.heal()).toBeGreaterThan(0);
    expectRefused(result, says);
  });

  it('now and then is retried, and nobody notices', async () => {
    const random = seededRandom(SEED);
    aws.refuse(() => (random() < 0.1 ? (random() < 0.5 ? 'throttled' : 'broken') : undefined));
    await finish();
    expect(aws.heal()).toBeGreaterThan(0);
    await expectWholeLedger();
  });
});

function expectRefused(result: CommandResult, says: RegExp): void {
  expect(result.exitCode, result.stdout + result.stderr).toBe(1);
  expect(result.stderr).toMatch(says);
  expect(result.stderr).toContain('next:');
  expect(result.stderr).not.toMatch(/^\s+at .*[:(]/m);
}

/** mulberry32: the same numbers for the same seed. */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
