/**
 * A command that is killed, or that AWS refuses to answer, in the middle of its work on the embedded AWS: what the
 * next operator is told, and that the same command then works. Of the moments `npm test` tries some (test/support/sample.ts).
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FaultyAws } from '../support/faulty-aws.ts';
import type { CommandResult, RunningCommand } from '../support/run-command.ts';
import { SAMPLE_SEED, sample, sampleTitle } from '../support/sample.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { lastJson } from './environment.ts';
import { type Death, FaultyJourney } from './faulty-journey.ts';
import { inventory } from './inventory.ts';

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
const BOUNDARIES_TRIED = 3;
const RANDOM_MOMENTS = [1, 2, 3, 4];
const RANDOM_MOMENTS_TRIED = 1;
/** An image-only deployment takes about ten seconds. */
const RANDOM_WINDOW_MS = 10_000;

const POLL_MS = 10;
const STEP_LIMIT_MS = 60_000;
let journey: FaultyJourney;
let aws: FaultyAws;
let version = 0;

beforeAll(async () => {
  journey = new FaultyJourney();
  await journey.up();
  aws = journey.aws;
});

afterAll(() => journey?.down());

const nextVersion = () => journey.changeGreeting(`from version ${++version}`);

/** The same command again ends well, with the version that was made last. */
async function finish(): Promise<CommandResult> {
  const result = await journey.finish();
  const { service, current } = await journey.status('test');
  const answer = await (await fetch(`${service?.url}/`)).json();
  const imageDigest = current?.release.imageDigest;
  expect(answer).toMatchObject({ greeting: `Hello from version ${version}`, imageDigest });
  return result;
}

/** Waits for the line; fails when the command ends without it. */
async function expectLine(command: RunningCommand, line: string): Promise<void> {
  let ended = false;
  const end = () => {
    ended = true;
  };
  command.ended.then(end, end);
  const deadline = Date.now() + STEP_LIMIT_MS;
  while (Date.now() < deadline && !ended && !command.stdout().includes(line))
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  expect(command.stdout(), command.stderr()).toContain(line);
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

/**
 * Calls whose answer is held back before a first deployment is killed: the first of each kind, since Terraform has ten
 * under way at most. AWS refuses them when they come again, or does them again without a word. The second follow from
 * an answer to one of the first, so that they come after these have been taken over.
 */
const UNHEARD = [
  [
    'AddTagsToResource',
    'CreateInternetGateway',
    'CreateLogGroup',
    'CreateRole',
    'CreateRouteTable',
    'CreateSecurityGroup',
    'CreateSubnet',
    'CreateTargetGroup',
    'RevokeSecurityGroupEgress',
  ],
  [
    'AllocateAddress',
    'AssociateRouteTable',
    'AuthorizeSecurityGroupEgress',
    'AuthorizeSecurityGroupIngress',
    'CreateRoute',
    'CreateVpcEndpoint',
  ],
];
/** The provider's own second call for a group: what it was to do is left undone, not only unheard. */
const LOST = 'RevokeSecurityGroupEgress';
/** A first deployment, with what the one before had created taken over. */
const ROUND_LIMIT_MS = 240_000;

describe('a first deployment', () => {
  it.each(UNHEARD)('[backend.killed] is killed before it hears of %s and the like', async (...kinds) => {
    const command = journey.deploy();
    const held = new Set<string>();
    aws.refuse(({ operation = '' }) => {
      // Towpath makes secrets of its own before.
      if (!command.stdout().includes('→ apply') || !kinds.includes(operation) || held.has(operation))
        return undefined;
      held.add(operation);
      return operation === LOST ? 'lost' : 'unheard';
    });
    const missing = () => kinds.filter((kind) => !held.has(kind));
    await expect.poll(missing, { timeout: ROUND_LIMIT_MS }).toEqual([]);
    await journey.kill(command, 'alone');
    aws.heal();
    await journey.mend(command.pid, { open: true });
  });

  it('is finished by the same command, and nothing is there twice', async () => {
    const { stdout } = await journey.finish();
    expect(stdout).toContain('never ended; recorded as aborted');
    for (const type of ['aws_eip', 'aws_vpc_endpoint', 'aws_vpc_security_group_ingress_rule'])
      expect(stdout).toMatch(new RegExp(`had created module\\.[^ ]+\\.${type}\\.[^ ]+: taken over`));
    await journey.expectEmptyPlan();
    // What AWS creates again without a word would be there twice, and be paid for.
    const one = [expect.any(String)];
    const found = await inventory(journey.endpoint);
    expect(found).toMatchObject({ vpcs: one, addresses: one, natGateways: one, endpoints: one });
    // The planned ones alone: AWS's own, which lets everything out, went with each group's creation.
    expect([...(found.egressRules ?? [])].sort()).toEqual(['-1', 'tcp']);
  });
});

describe('a deployment that is killed', () => {
  for (const [line, death] of sample(BOUNDARIES, BOUNDARIES_TRIED)) {
    it(`${death}, at "${line}" (${sampleTitle(BOUNDARIES, BOUNDARIES_TRIED)}), can be told of, and cleared away`, async () => {
      nextVersion();
      const command = journey.deploy();
      await expectLine(command, line);
      await journey.kill(command, death);
      const text = command.stdout();
      // Between a line and what comes after it the blow may fall on either side.
      const sure = line === '→ apply' || text.includes('✓ create ');
      const open = text.includes('✓ verify') || line === '✓ plan' ? undefined : sure;
      await journey.mend(command.pid, { open });
    });
  }

  it('is finished by the same command', async () => {
    await finish();
    await expectWholeLedger();
  });

  it(`at random moments too, ${sampleTitle(RANDOM_MOMENTS, RANDOM_MOMENTS_TRIED)}`, async () => {
    const random = seededRandom(SAMPLE_SEED);
    for (const round of sample(RANDOM_MOMENTS, RANDOM_MOMENTS_TRIED)) {
      nextVersion();
      const afterMs = Math.round(random() * RANDOM_WINDOW_MS);
      const death: Death = random() < 0.5 ? 'alone' : 'with Terraform';
      const command = journey.deploy();
      await Promise.race([new Promise((resolve) => setTimeout(resolve, afterMs)), command.ended]);
      await journey.kill(command, death);
      const moment = `SAMPLE_SEED=${SAMPLE_SEED}, moment ${round}: killed ${death} after ${afterMs} ms`;
      const { lock } = await journey.status('test');
      if (lock !== undefined) await journey.mend(command.pid, { open: undefined });
      else expect(command.stdout(), moment).toMatch(/now runs|^(?!.*→ build)/s);
    }
    await finish();
    await expectWholeLedger();
    await journey.expectEmptyPlan();
  });
});

describe('a deployment to which AWS says no in the middle', () => {
  it('because the credentials expired before the intent changes nothing', async () => {
    nextVersion();
    aws.refuse(({ service, method, url }) =>
      service === 's3' && method === 'PUT' && url.includes('/ledger/') ? 'expired' : undefined,
    );
    const result = await journey.deploy().ended;
    expect(aws.heal()).toBeGreaterThan(0);
    expectRefused(result, /credentials have expired \(s3:PutObject: ExpiredToken\)/);
    expect((await journey.status('test')).unfinished).toBeUndefined();
  });

  it('because they expired while Terraform applied loses neither state nor record', async () => {
    const command = journey.deploy();
    const line = '✓ create module.ecs.aws_ecs_task_definition.this';
    await expectLine(command, line);
    // Terraform's work on the service goes through; nothing can be written down any more.
    aws.refuse(({ service, method }) =>
      (service === 's3' && method !== 'GET') || service === 'dynamodb' ? 'expired' : undefined,
    );
    const result = await command.ended;
    expect(aws.heal()).toBeGreaterThan(0);
    expectRefused(result, /credentials.* expired/);
    expect(result.stdout).toContain('the outcome could not be recorded');
    expect(result.stdout).toMatch(/could not save the state of test; it is kept as \S+unsaved\.tfstate/);
    await journey.mend(command.pid, { open: true });
    const again = await finish();
    expect(again.stdout).toContain('the state that an earlier apply of test could not save is saved now');
    await journey.expectEmptyPlan();
  });

  it.each([
    ['throttles', /AWS throttles/],
    ['fails', /AWS failed to answer s3:\w+ \(HTTP 500/],
  ] as const)('because it %s for longer than is retried', async (how, says) => {
    nextVersion();
    aws.refuse(({ service }) =>
      service === 's3' ? (how === 'throttles' ? 'throttled' : 'broken') : undefined,
    );
    const result = await journey.deploy().ended;
    expect(aws.heal()).toBeGreaterThan(0);
    expectRefused(result, says);
  });

  it('now and then is retried, and nobody notices', async () => {
    const random = seededRandom(SAMPLE_SEED);
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
