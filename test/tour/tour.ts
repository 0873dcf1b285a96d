/**
 * `npm run tour`: the whole release path on the embedded AWS, with a developer and a reviewer. One release goes through
 * four environments, what must be refused is refused, a broken release is explained and the one before serves on,
 * production is rolled back, the ledger is proven. Exits 1 at the first thing that is not as it should be.
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { Journey } from '../journeys/environment.ts';
import type { CommandResult } from '../support/run-command.ts';
import { terraformByHand } from '../support/terraform-by-hand.ts';

const ENVIRONMENTS = ['test', 'qa', 'staging', 'prod'] as const;
const SOAK_SECONDS = 5;
const SHOW_EVERY_MS = 1_000;
const ERASE_LINE = '\r\u001b[K';

const journey = new Journey();
const stages: { readonly name: string; readonly seconds: number }[] = [];

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => void journey.down().finally(() => process.exit(1)));
}
try {
  await tour();
  report();
} finally {
  await journey.down();
}

async function tour(): Promise<void> {
  // Ten minutes of soak are for production; here they would only be waited for.
  journey.edit('towpath.config.ts', (text) => text.replace("soak: '10m'", `soak: '${SOAK_SECONDS}s'`));
  await stage('the embedded AWS', () => journey.up());
  await stage('four environments from nothing, side by side', async () => {
    await expectExit(0, ['deploy', '--all', '--generate-secrets', '--break-glass', 'first bring-up']);
  });
  const first = await releaseOf('test');
  await ladder();
  await refusals();
  await broken();
  await stage('prod back to the release before', async () => {
    await expectExit(0, ['rollback', 'prod']);
    expect((await releaseOf('prod')) === first, `prod runs ${first} again`);
  });
  await stage('every ledger proven, every plan empty', async () => {
    for (const environment of ENVIRONMENTS) {
      await expectExit(0, ['history', environment, '--verify']);
      await expectEmptyPlan(environment);
    }
  });
  const { stdout } = await expectExit(0, ['status']);
  say(stdout);
  expect(/^prod .* 3\/3 +a:1 b:1 c:1 +3\/3 healthy/m.test(stdout), 'prod has one task in each zone');
}

/** One new release through all four, each gate opened by whoever may open it. */
async function ladder(): Promise<void> {
  journey.changeGreeting('from the release of the tour');
  await stage('test: a new release', () => expectExit(0, ['deploy', 'test']));
  const release = await releaseOf('test');
  await stage('qa: asked for by the developer, who may not approve it', async () => {
    await expectExit(3, ['promote', 'qa'], 'approvals');
    await expectExit(2, ['approve', 'qa'], 'requested by you');
  });
  await stage('prod can not skip qa and staging', async () => {
    await expectExit(2, ['promote', 'prod'], 'already');
  });
  await stage('qa: approved by the reviewer', () => expectExit(0, ['approve', 'qa', '--as', 'reviewer']));
  await stage('staging: opened by itself, approved by the developer', async () => {
    const ladder = await expectExit(
      0,
      ['status'],
      `promotes ${release}, 0 of 1 approvals, asked for by reviewer`,
    );
    say(ladder.stdout);
    await expectExit(0, ['approve', 'staging']);
  });
  await stage(`prod: ${SOAK_SECONDS} healthy seconds and the reviewer's yes`, async () => {
    await expectExit(3, ['promote', 'prod']);
    const soaked = await poll(
      () => journey.run(['approve', 'prod', '--as', 'reviewer']),
      ({ exitCode }) => exitCode === 0,
      ['promote', 'prod', '--as', 'reviewer'],
    );
    expect(soaked.exitCode === 0, `prod was promoted:\n${soaked.stdout}${soaked.stderr}`);
  });
  for (const environment of ENVIRONMENTS)
    expect((await releaseOf(environment)) === release, `${environment} runs ${release}`);
}

/** What must not be possible. */
async function refusals(): Promise<void> {
  await stage('refused: a deployment past the ladder, a changed Terraform tree', async () => {
    await expectExit(2, ['deploy', 'prod'], 'takes only releases that are verified');
    journey.changeGreeting('from a release that meets a changed tree');
    await expectExit(0, ['deploy', 'test']);
    const tree = join(journey.project.path, 'infra', 'outputs.tf');
    appendFileSync(tree, '\n# a change that the release does not have\n');
    await expectExit(1, ['promote', 'qa'], 'Terraform tree');
    journey.edit('infra/outputs.tf', (text) =>
      text.replace('\n# a change that the release does not have\n', ''),
    );
    await expectExit(0, ['reject', 'qa', '--reason', 'only to show that it can be']);
  });
}

/** A release that works in test and crashes in qa: explained, and the one before serves on. */
async function broken(): Promise<void> {
  const before = await releaseOf('qa');
  const crash =
    "if (process.env.ENVIRONMENT === 'qa') {\n  console.log('no license for qa');\n  process.exit(3);\n}\n\n";
  journey.edit('app/src/main.ts', (text) =>
    text.replace('async function serve(', `${crash}async function serve(`),
  );
  await stage('test: a release that only breaks in qa', () => expectExit(0, ['deploy', 'test']));
  await stage('qa: it fails, is explained, and the one before serves on', async () => {
    await expectExit(3, ['promote', 'qa']);
    const failed = await expectExit(1, ['approve', 'qa', '--as', 'reviewer'], 'exit code 3');
    expect(failed.stderr.includes('no license for qa'), 'the last log lines are shown');
    say(failed.stderr);
    expect((await releaseOf('qa')) === before, `qa runs ${before}`);
    const url = (await journey.status('qa')).service?.url;
    expect((await fetch(`${url}/`)).status === 200, 'qa answers');
  });
}

async function releaseOf(environment: string): Promise<string> {
  return (await journey.status(environment)).current?.release.id ?? 'none';
}

async function expectEmptyPlan(environment: string): Promise<void> {
  const { current } = await journey.status(environment);
  const root = journey.project.path;
  const hand = terraformByHand({
    cwd: join(root, 'infra'),
    endpoint: journey.endpoint,
    env: { TF_DATA_DIR: join(root, `.by-hand-${environment}`) },
  });
  try {
    await hand.run([
      'init',
      '-input=false',
      '-reconfigure',
      `-backend-config=envs/${environment}/backend.hcl`,
    ]);
    const plan = await hand.run([
      'plan',
      '-detailed-exitcode',
      '-input=false',
      '-no-color',
      `-var-file=envs/${environment}/terraform.tfvars.json`,
      `-var=image=${current?.image}`,
    ]);
    expect(
      plan.exitCode === 0,
      `the plan of ${environment} is empty:\n${plan.stdout.slice(-3000)}${plan.stderr}`,
    );
  } finally {
    hand.remove();
  }
}

async function expectExit(code: number, args: readonly string[], words?: string): Promise<CommandResult> {
  const result = await journey.run(args);
  const output = `${result.stdout}${result.stderr}`;
  expect(
    result.exitCode === code,
    `towpath ${args.join(' ')} ends with ${code}, not ${result.exitCode}:\n${output}`,
  );
  if (words !== undefined)
    expect(output.includes(words), `towpath ${args.join(' ')} says "${words}":\n${output}`);
  return result;
}

/** Runs `first`, and then the verb again until it is good: a soak takes its time. */
async function poll(
  first: () => Promise<CommandResult>,
  good: (result: CommandResult) => boolean,
  again: readonly string[],
): Promise<CommandResult> {
  let result = await first();
  for (let attempt = 0; attempt < 3 * SOAK_SECONDS && !good(result) && result.exitCode === 3; attempt += 1) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    result = await journey.run(again);
  }
  return result;
}

function expect(good: boolean, what: string): void {
  if (!good) throw new Error(`not so: ${what}`);
}

async function stage(name: string, work: () => Promise<unknown>): Promise<void> {
  const started = performance.now();
  process.stdout.write(`→ ${name}\n`);
  const clock = process.stdout.isTTY ? setInterval(() => showElapsed(started), SHOW_EVERY_MS) : undefined;
  try {
    await work();
  } finally {
    clearInterval(clock);
    if (clock) process.stdout.write(ERASE_LINE);
  }
  const seconds = (performance.now() - started) / 1_000;
  stages.push({ name, seconds });
  process.stdout.write(`✓ ${name}: ${seconds.toFixed(1)} s\n`);
}

/** The longest stage waits a minute and a half for a load balancer: whoever looks on sees that it goes on. */
function showElapsed(started: number): void {
  process.stdout.write(`${ERASE_LINE}  ${Math.round((performance.now() - started) / 1_000)} s`);
}

function say(text: string): void {
  process.stdout.write(
    `${text
      .trimEnd()
      .split('\n')
      .map((line) => `    ${line}`)
      .join('\n')}\n`,
  );
}

function report(): void {
  const total = stages.reduce((sum, { seconds }) => sum + seconds, 0);
  process.stdout.write(`\nThe tour took ${total.toFixed(0)} s:\n`);
  for (const { name, seconds } of stages)
    process.stdout.write(`${seconds.toFixed(1).padStart(7)} s  ${name}\n`);
}
