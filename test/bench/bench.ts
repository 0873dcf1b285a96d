/**
 * `npm run bench`: what Towpath costs beside plain Terraform and bare Node, all in one run on the embedded AWS.
 * Exits 1 when a goal is missed. Figures are ratios of times taken side by side.
 */

import { Journey, lastJson } from '../journeys/environment.ts';
import { cleanEnvironment } from '../support/run-cli.ts';
import { type TerraformByHand, terraformByHand } from '../support/terraform-by-hand.ts';
import { alternate, median, timeCommand } from './measure.ts';

const STARTUP_ROUNDS = 15;
const IMAGE_ROUNDS = 3;
const LIMIT_MS = 300_000;

interface Row {
  readonly what: string;
  readonly ours: number;
  readonly theirs: number;
  readonly goal: number;
  /** Also an absolute goal, milliseconds. */
  readonly under?: number;
}

const rows: Row[] = [];
const journey = new Journey();
try {
  await journey.up();
  await prepare('test');
  await prepare('qa');
  await benchNewEnvironment();
  await benchImageDeployment();
  await benchStartup();
} finally {
  await journey.down();
}
process.exitCode = report() ? 0 : 1;

/** What both ways need first: bucket, table, repository and a secret. */
async function prepare(environment: string): Promise<void> {
  await must(['bootstrap', environment]);
  await must(['secret', 'set', environment, 'app-secret', '--generate']);
}

async function must(args: readonly string[]): Promise<Record<string, unknown>> {
  const result = await journey.run([...args, '--json']);
  if (result.exitCode !== 0) throw new Error(`towpath ${args.join(' ')}: ${result.stdout}${result.stderr}`);
  return lastJson(result);
}

/** `towpath deploy` of `test` against `terraform init` and `apply` of `qa`: the same HCL, both from nothing. */
async function benchNewEnvironment(): Promise<void> {
  say('a new environment (about three minutes)');
  const { image } = await must(['build']);
  const hand = handFor('qa');
  try {
    const theirs =
      (await hand.terraform('init', '-input=false', '-backend-config=envs/qa/backend.hcl')) +
      (await hand.terraform(
        'apply',
        '-auto-approve',
        '-input=false',
        '-var-file=envs/qa/terraform.tfvars.json',
        `-var=image=${String(image)}`,
      ));
    const ours = await timeTowpath(['deploy', 'test']);
    rows.push({ what: 'deploy of a new environment / terraform init + apply', ours, theirs, goal: 1.1 });
  } finally {
    hand.remove();
  }
}

/** A changed image: build, plan, apply, rollout and proof, against plan + show + apply of a saved plan. */
async function benchImageDeployment(): Promise<void> {
  say(`an image-only deployment (${IMAGE_ROUNDS} rounds)`);
  const hand = handFor('qa');
  let version = 0;
  try {
    const [ours, theirs] = await alternate(
      [
        {
          name: 'towpath deploy',
          run: async () => {
            version += 1;
            journey.changeGreeting(`from version ${version}`);
            return timeTowpath(['deploy', 'test']);
          },
        },
        {
          name: 'terraform plan + show + apply',
          run: async () => {
            version += 1;
            journey.changeGreeting(`from version ${version}`);
            const { image } = await must(['build']);
            return (
              (await hand.terraform(
                'plan',
                '-input=false',
                '-out=bench.tfplan',
                '-var-file=envs/qa/terraform.tfvars.json',
                `-var=image=${String(image)}`,
              )) +
              (await hand.terraform('show', '-json', 'bench.tfplan')) +
              (await hand.terraform('apply', '-input=false', 'bench.tfplan'))
            );
          },
        },
      ],
      IMAGE_ROUNDS,
    );
    rows.push({
      what: 'deploy of a new image / terraform plan + show + apply',
      ours: median(ours?.runs ?? []),
      theirs: median(theirs?.runs ?? []),
      goal: 0.8,
    });
  } finally {
    hand.remove();
  }
}

async function benchStartup(): Promise<void> {
  say(`start-up (${STARTUP_ROUNDS} rounds)`);
  const env = { ...cleanEnvironment(), TOWPATH_TARGET: 'local' };
  const cwd = journey.project.path;
  const time = (args: readonly string[]) =>
    timeCommand(process.execPath, args, { cwd, env, limitMs: LIMIT_MS });
  const cli = `${cwd}/towpath/bin/towpath.mjs`;
  const [node, help, status] = await alternate(
    [
      { name: 'node -e 0', run: () => time(['-e', '0']) },
      { name: 'towpath --help', run: () => time([cli, '--help']) },
      { name: 'towpath status', run: () => time([cli, 'status']) },
    ],
    STARTUP_ROUNDS,
  );
  const theirs = median(node?.runs ?? []);
  rows.push({
    what: 'towpath --help / node -e 0',
    ours: median(help?.runs ?? []),
    theirs,
    goal: 1.6,
    under: 500,
  });
  rows.push({
    what: 'towpath status / node -e 0',
    ours: median(status?.runs ?? []),
    theirs,
    goal: 1.6,
    under: 500,
  });
}

async function timeTowpath(args: readonly string[]): Promise<number> {
  const started = performance.now();
  await must(args);
  return performance.now() - started;
}

function handFor(environment: string) {
  const root = journey.project.path;
  const hand: TerraformByHand = terraformByHand({
    cwd: `${root}/infra`,
    endpoint: journey.endpoint,
    env: {
      TF_DATA_DIR: `${root}/.by-hand-${environment}`,
      TF_VAR_secrets: JSON.stringify({ 'app-secret': 'a value for the bench' }),
    },
  });
  return {
    async terraform(...args: string[]): Promise<number> {
      const result = await hand.run(args, LIMIT_MS);
      if (result.exitCode !== 0)
        throw new Error(`terraform ${args[0]}: ${result.stdout.slice(-2000)}${result.stderr}`);
      return result.durationMs;
    },
    remove: () => hand.remove(),
  };
}

function say(what: string): void {
  process.stdout.write(`measuring ${what} ...\n`);
}

/** @returns whether every goal is met */
function report(): boolean {
  process.stdout.write('\n');
  let met = true;
  for (const { what, ours, theirs, goal, under } of rows) {
    const ratio = ours / theirs;
    const good = ratio <= goal && (under === undefined || ours < under);
    met &&= good;
    const limit = `goal at most ${goal}${under === undefined ? '' : ` and under ${under} ms`}`;
    process.stdout.write(
      `${good ? '✓' : '✗'} ${what}: ${seconds(ours)} / ${seconds(theirs)} = ${ratio.toFixed(2)} (${limit})\n`,
    );
  }
  return met;
}

function seconds(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
