/**
 * The Terraform port on the real program. Works in the project's `infra/` folder, with a data directory
 * of its own for each environment and target, so that environments never share a backend by accident.
 */
import { createHash } from 'node:crypto';
import { access, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TowpathError } from '../../domain/errors.ts';
import type { Notifier, StateLock, TerraformPort, TerraformVariables } from '../../ports.ts';
import type { ExistingResources } from '../aws/existing-resource.ts';
import { isAlive } from '../process/process-identity.ts';
import {
  existingOnly,
  findExisting,
  finishCreations,
  foreignImports,
  resourceExists,
  rootThatImports,
} from './adopt-existing.ts';
import { findTerraform, type TerraformProgram } from './find-terraform.ts';
import { findProviderMirror, renderCliConfig } from './provider-mirror.ts';
import {
  isExpectedWarning,
  parseTerraformLine,
  summarisePlan,
  type TerraformEvent,
} from './terraform-events.ts';
import { errorsOf, terraformFailure } from './terraform-failure.ts';
import { runTerraform, type TerraformResult } from './terraform-process.ts';
import { createUnsavedState } from './unsaved-state.ts';

const TARGET_WATCH_INTERVAL_MS = 500;

export interface TerraformOptions {
  /** The project's `infra/` folder. */
  readonly infra: string;
  readonly environment: string;
  /** Private to this environment and target; Terraform's data directory and saved plans live here. */
  readonly dataDir: string;
  /** AWS_* variables of the environment's account. */
  readonly awsEnvironment: () => Promise<Readonly<Record<string, string>>>;
  /** True: nothing of the caller's own AWS_* variables is passed on. */
  readonly isolated: boolean;
  /** Whether the embedded AWS still runs; undefined for AWS itself. Terraform would retry against nothing for minutes. */
  readonly targetRuns?: (() => boolean) | undefined;
  /** Lock of the state as it stands in the backend. */
  readonly readStateLock: () => Promise<StateLock | undefined>;
  /** Puts the state's checksum right where a killed Terraform left it behind the state; answers whether it had to. */
  readonly mendChecksum?: () => Promise<boolean>;
  /** Left out where nothing can be there unknown to the state. */
  readonly existingResources?: ExistingResources;
  readonly notifier: Notifier;
}

export function createTerraform(options: TerraformOptions): TerraformPort {
  const { infra, environment, dataDir, existingResources = NOTHING_EXISTS } = options;
  const notifier: Notifier = { notify: (event) => options.notifier.notify({ ...event, environment }) };
  const pidFile = join(dataDir, 'terraform.json');
  const backendFile = join('envs', environment, 'backend.hcl');
  let prepared: Promise<{ program: TerraformProgram; env: Record<string, string> }> | undefined;
  const prepare = () => {
    prepared ??= prepareRun(options);
    return prepared;
  };

  async function run(
    args: readonly string[],
    extra: Readonly<Record<string, string>>,
    signal?: AbortSignal,
    cwd = infra,
  ) {
    const { program, env } = await prepare();
    const events: TerraformEvent[] = [];
    const lines: string[] = [];
    const gone = watchTarget(options.targetRuns);
    const result = await runTerraform({
      program: program.path,
      args,
      cwd,
      env: { ...env, ...extra },
      pidFile,
      signal,
      kill: gone.signal,
      onLine: (line) => {
        const event = parseTerraformLine(line);
        if (event.kind === 'other') lines.push(line);
        else events.push(event);
        announce(event, notifier);
      },
    }).finally(gone.stop);
    if (gone.signal.aborted) throw targetGone(args[0] ?? '');
    return { result, events, lines };
  }

  async function check(
    operation: string,
    result: TerraformResult,
    events: readonly TerraformEvent[],
    lines: readonly string[],
  ) {
    if (result.code === 0) return;
    if (result.interrupted)
      throw new TowpathError('ABORTED', `terraform ${operation} was interrupted; it saved its state.`);
    throw await terraformFailure(operation, result, events, lines, options);
  }

  /** @throws TowpathError when it fails */
  async function succeed(operation: string, ...call: Parameters<typeof run>) {
    const { result, events, lines } = await run(...call);
    await check(operation, result, events, lines);
    return { events, lines };
  }

  async function showPlan(file: string, format: '-json' | '-no-color'): Promise<string> {
    const { lines } = await succeed('show', ['show', format, file], {});
    return lines.join('\n');
  }

  const unsaved = createUnsavedState({
    infra,
    environment,
    dataDir,
    notifier,
    push: async (file) => void (await succeed('state push', ['state', 'push', file], {})),
  });

  return {
    async init(signal) {
      // Where there is nothing to initialise, a missing Terraform would be told only by the stage that follows.
      await prepare();
      const stampFile = join(dataDir, 'initialised');
      const stamp = await initStamp(infra, backendFile);
      const before = await readFile(stampFile, 'utf8').catch(() => '');
      if (before === stamp && (await exists(join(infra, '.terraform.lock.hcl')))) return;
      await inTurn(async () => {
        await succeed(
          'init',
          ['init', '-input=false', '-no-color', '-reconfigure', `-backend-config=${backendFile}`],
          {},
          signal,
        );
      });
      await writeFile(stampFile, stamp);
    },

    async plan(variables, { takeOver = [], ...planOptions } = {}) {
      await unsaved.save();
      const file = join(dataDir, planOptions.destroy ? 'destroy.tfplan' : 'deploy.tfplan');
      const args = ['plan', '-json', '-input=false', `-out=${file}`, variableFile(environment)];
      if (planOptions.destroy) args.push('-destroy');
      const { events } = await succeed(
        'plan',
        args,
        { ...secretVariables(variables), TF_VAR_image: variables.image },
        planOptions.signal,
        takeOver.length === 0 ? infra : await rootThatImports(infra, join(dataDir, 'root'), takeOver),
      );
      const foreign = takeOver.length === 0 ? [] : foreignImports(await showPlan(file, '-json'));
      if (foreign.length > 0)
        throw resourceExists(foreign.map((path) => ({ path, message: 'bears the tags of somebody else' })));
      const summary = summarisePlan(events);
      notifier.notify({ type: 'terraform.plan', summary });
      return { file, summary };
    },

    show: (plan) => showPlan(plan.file, '-no-color'),

    async apply(plan, variables, signal) {
      const startedAt = Date.now();
      const { result, events, lines } = await run(
        ['apply', '-json', '-input=false', plan.file],
        secretVariables(variables),
        signal,
      );
      const state = result.code === 0 ? undefined : await unsaved.keep(startedAt);
      if (state !== undefined) notifier.notify(unsavedWarning(environment, state));
      const existing = result.code === 0 || result.interrupted ? [] : existingOnly(errorsOf(events));
      // What is there by now is told by the plan that asked for it.
      if (existing.length === 0) await rm(plan.file, { force: true });
      else
        throw resourceExists(
          errorsOf(events).map(({ address = '?', summary }) => ({ path: address, message: summary })),
        );
      await check('apply', result, events, lines);
      const outputs = events.findLast((event) => event.kind === 'outputs');
      return { taskDefinition: outputs?.kind === 'outputs' ? outputs.taskDefinition : undefined };
    },

    async findExisting(plan, addresses) {
      return findExisting(await showPlan(plan.file, '-json'), addresses, existingResources);
    },

    async untaint(plan, addresses, signal) {
      await finishCreations(await showPlan(plan.file, '-json'), addresses, existingResources);
      for (const address of addresses)
        await succeed('untaint', ['untaint', '-no-color', address], {}, signal);
    },

    async stateLock() {
      const lock = await options.readStateLock();
      return lock && { ...lock, runningPid: await readRunningPid(pidFile) };
    },

    async forceUnlock(id) {
      await succeed('force-unlock', ['force-unlock', '-force', id], {});
      if (!(await options.mendChecksum?.())) return;
      const text = `the checksum of the state of ${environment} was behind the state, and is put right`;
      notifier.notify({ type: 'note', text });
    },
  };
}

const NOTHING_EXISTS: ExistingResources = {
  find: async () => undefined,
  finishCreation: async () => undefined,
};

const variableFile = (environment: string): string =>
  `-var-file=${join('envs', environment, 'terraform.tfvars.json')}`;

function unsavedWarning(environment: string, file: string) {
  return {
    type: 'warning',
    text: `Terraform could not save the state of ${environment}; it is kept as ${file}`,
    hint: `the next command about ${environment} on this computer saves it; on another one it would be missing`,
  } as const;
}

/** Aborts when the target has ended. */
function watchTarget(targetRuns: (() => boolean) | undefined) {
  const gone = new AbortController();
  if (targetRuns === undefined) return { signal: gone.signal, stop: () => undefined };
  const timer = setInterval(() => {
    if (!targetRuns()) gone.abort();
  }, TARGET_WATCH_INTERVAL_MS);
  return { signal: gone.signal, stop: () => clearInterval(timer) };
}

function targetGone(operation: string): TowpathError {
  return new TowpathError('LOCAL_NOT_RUNNING', `The embedded AWS ended while terraform ${operation} ran.`, {
    hint: 'towpath local up, then the same command; .towpath/local/daemon.log says why it ended',
  });
}

/** Every init writes the one provider lock file in `infra/`, so that they wait for each other. */
let lastInit: Promise<unknown> = Promise.resolve();

function inTurn(work: () => Promise<void>): Promise<void> {
  const mine = lastInit.then(work, work);
  lastInit = mine.catch(() => undefined);
  return mine;
}

function announce(event: TerraformEvent, notifier: Notifier): void {
  if (event.kind === 'progress') notifier.notify(event.event);
  if (
    event.kind === 'diagnostic' &&
    event.diagnostic.severity === 'warning' &&
    !isExpectedWarning(event.diagnostic)
  ) {
    notifier.notify({
      type: 'warning',
      text: `Terraform: ${event.diagnostic.summary}. ${firstLine(event.diagnostic.detail)}`,
    });
  }
}

async function prepareRun(options: TerraformOptions) {
  const parts = [
    findTerraform(process.env),
    options.awsEnvironment(),
    prepareDataDir(options.dataDir),
  ] as const;
  // When one fails, the others end first: nothing of ours is still writing when the caller hears of it.
  await Promise.allSettled(parts);
  const [program, aws, cliConfig] = await Promise.all(parts);
  const inherited = Object.entries(process.env).filter(
    ([key, value]) => value !== undefined && !isForeign(key, options.isolated),
  ) as [string, string][];
  const env: Record<string, string> = {
    ...Object.fromEntries(inherited),
    ...aws,
    TF_DATA_DIR: join(options.dataDir, 'data'),
    TF_IN_AUTOMATION: '1',
    TF_INPUT: '0',
    CHECKPOINT_DISABLE: '1',
    // Fewer collections while the provider's schema is read, three times a plan: 0.25 s of 3 s saved for some memory.
    GOGC: process.env.GOGC ?? '400',
  };
  if (cliConfig !== undefined) env.TF_CLI_CONFIG_FILE = cliConfig;
  return { program, env };
}

/** Variables of the caller that would change what Terraform does behind our back. */
function isForeign(key: string, isolated: boolean): boolean {
  if (key.startsWith('TF_'))
    return !(key.startsWith('TF_LOG') || key === 'TF_PLUGIN_CACHE_DIR' || key === 'TF_CLI_CONFIG_FILE');
  return isolated && key.startsWith('AWS_');
}

/**
 * A user's own CLI configuration is respected. Without one we write ours, which points at an offline
 * mirror of the providers when this computer has one and at the public registry otherwise.
 */
async function prepareDataDir(dataDir: string): Promise<string | undefined> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const own = process.env.TF_CLI_CONFIG_FILE;
  if (own !== undefined && (await exists(own))) return own;
  const home = process.env.HOME ?? '';
  if (own === undefined && (await exists(join(home, '.terraformrc')))) return undefined;
  const file = join(dataDir, 'terraform.rc');
  await writeFile(file, renderCliConfig(await findProviderMirror(process.env, home)));
  return file;
}

function secretVariables(variables: TerraformVariables): Record<string, string> {
  const values = Object.fromEntries([...variables.secrets].map(([name, secret]) => [name, secret.reveal()]));
  return { TF_VAR_secrets: JSON.stringify(values) };
}

async function readRunningPid(file: string): Promise<number | undefined> {
  try {
    const noted = JSON.parse(await readFile(file, 'utf8')) as { pid: number; startTime?: string };
    return isAlive(noted.pid, noted.startTime) ? noted.pid : undefined;
  } catch {
    return undefined;
  }
}

/** Changes whenever an init is due: another backend, other providers, other modules. */
async function initStamp(infra: string, backendFile: string): Promise<string> {
  const hash = createHash('sha256');
  for (const file of [backendFile, 'provider.tf', 'main.tf']) {
    hash.update(await readFile(join(infra, file), 'utf8').catch(() => ''));
  }
  return hash.digest('hex');
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}
