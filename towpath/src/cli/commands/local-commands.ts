/** `local up`, `local down`, `local env`: the embedded AWS on this computer. */
import { setTimeout as delay } from 'node:timers/promises';
import {
  deploy,
  type LocalAws,
  type LocalAwsPort,
  type LocalAwsStatus,
  type LocalDriver,
  type Ports,
  type Prompter,
  stage,
  status,
  unlock,
} from '../../actions/index.ts';
import { TowpathError } from '../../domain/errors.ts';
import { DEFAULT_IDENTITY } from '../context.ts';
import type { CommandBody, CommandSession } from '../session.ts';
import { formatDuration, type Paint, plural, renderTable } from '../views/style.ts';
import { renderDeployed } from './deploy-commands.ts';
import { type EndedFrom, renderEnd, stayUntilEnded } from './stay-until-ended.ts';

type Flags = Readonly<Record<string, unknown>>;

/** Rehearsals should not take as long as the real thing; `--speed 1` is real time. */
const DEFAULT_SPEED = 10;
/** Tasks that are not healthy by then have trouble of their own, which `local status` shows. */
const BACK_LIMIT_MS = 60_000;
const BACK_POLL_MS = 200;
/** `npm start` asks nothing. */
const NOBODY: Prompter = { secret: async () => undefined, confirm: async () => undefined };

export function localUpCommand(flags: Flags): CommandBody {
  return async (session) => {
    const options = {
      speed: parseNumber(flags, 'speed', 0.1, 1000) ?? DEFAULT_SPEED,
      port: parseNumber(flags, 'port', 1, 65_535, 'whole number'),
      driver: parseDriver(flags),
    };
    const foreground = flags.deploy === true;
    const started = session.context.now();
    // One for the whole command: whoever started it hears of its end.
    const localAws = await session.context.openLocalAws(session.globals);
    const start = () => startLocalAws(session, localAws, { ...options, attached: foreground });
    const found = await start();
    const local = foreground && (await forgetBrokenStart(session, localAws, found)) ? await start() : found;
    if (!foreground) {
      const back = await untilBack(session, localAws, local);
      return { json: { ...local, ...(back && { back }) }, text: renderStarted(local, back, session.paint) };
    }
    const from = await deployAndStay(session, localAws, local, started);
    return {
      json: { stopped: from !== undefined, ...(from && { from }) },
      text: from === undefined ? '' : renderEnd('the embedded AWS', 'towpath local down', from),
    };
  };
}

async function startLocalAws(
  session: CommandSession,
  localAws: LocalAwsPort,
  options: {
    readonly speed: number | undefined;
    readonly port: number | undefined;
    readonly driver: LocalDriver | undefined;
    readonly attached: boolean;
  },
): Promise<LocalAws> {
  const clock = { now: () => new Date(session.context.now()), sleep: async () => undefined };
  const local = await stage(
    { notifier: session.view, clock },
    'embedded AWS',
    () =>
      localAws.start({
        ...options,
        onProgress: ({ done, total }) =>
          session.view.notify({ type: 'note', text: `making earlier calls again: ${done} of ${total}` }),
      }),
    (local) => `${local.endpoint}${local.started ? '' : ', was running'}`,
  );
  // Only a start finds it out.
  if (local.started) for (const moved of local.movedPorts) session.view.notify(renderMovedPort(moved));
  return local;
}

function renderMovedPort({ name, from, to }: LocalAws['movedPorts'][number]) {
  const text = `load balancer ${name} has port ${to} now: another program of this computer has ${from}`;
  return { type: 'warning', text } as const;
}

/**
 * A start that was killed within its first deployment leaves resources that Terraform's state does not know: the next one
 * would meet them at every step. Nothing has ever run there, so that nothing is lost by beginning from nothing.
 * @returns whether everything was forgotten
 */
async function forgetBrokenStart(
  session: CommandSession,
  localAws: LocalAwsPort,
  local: LocalAws,
): Promise<boolean> {
  if (!local.started || local.restored.calls === 0) return false;
  const { context, view } = session;
  const silent = { notifier: { notify: () => undefined }, prompter: NOBODY };
  const environments = await status(
    await context.openProject({ ...session.globals, local: true }, silent),
    [],
  );
  const isBroken = environments.some(({ lastDeployment }) => lastDeployment?.state === 'running');
  if (!isBroken || environments.some(({ current }) => current !== undefined)) return false;
  view.notify({
    type: 'note',
    text: 'an earlier start ended within its first deployment: from nothing again',
  });
  await localAws.stop();
  await localAws.purge();
  return true;
}

/** Environments that were there before, and how many of their tasks run. */
interface Back {
  readonly environments: number;
  readonly desired: number;
  readonly running: number;
}

/** Services start their tasks by themselves; a person wants to know when they answer. */
async function untilBack(
  session: CommandSession,
  localAws: LocalAwsPort,
  local: LocalAws,
): Promise<Back | undefined> {
  if (!local.started || local.restored.calls === 0) return undefined;
  const { context } = session;
  const deadline = context.now() + BACK_LIMIT_MS;
  for (;;) {
    const environments = (await localAws.status())?.environments ?? [];
    const back = countBack(environments);
    const settled = environments.every(isSettled);
    if (settled || context.signal.aborted || context.now() > deadline) return back;
    await delay(BACK_POLL_MS);
  }
}

function countBack(environments: LocalAwsStatus['environments']): Back {
  const sum = (of: (environment: LocalAwsStatus['environments'][number]) => number) =>
    environments.reduce((total, environment) => total + of(environment), 0);
  return {
    environments: environments.length,
    desired: sum(({ desired }) => desired),
    running: sum(({ running }) => running),
  };
}

function isSettled({ desired, running, tasks }: LocalAwsStatus['environments'][number]): boolean {
  const current = tasks.filter(({ lastStatus }) => lastStatus === 'RUNNING');
  return running >= desired && current.every(({ health }) => health === undefined || health === 'healthy');
}

/**
 * What `npm start` does: the first environment is deployed, and everything lives until this process ends.
 * @returns where the end was asked for; undefined for an embedded AWS that was there before and runs on
 */
async function deployAndStay(
  session: CommandSession,
  localAws: LocalAwsPort,
  local: LocalAws,
  started: number,
): Promise<EndedFrom | undefined> {
  const { context, view } = session;
  let from: EndedFrom | undefined;
  try {
    const ports = await context.openProject(
      { ...session.globals, local: true },
      { notifier: view, prompter: NOBODY },
    );
    const first = ports.project.environments[0]?.name ?? '';
    if (local.restored.calls > 0) await freeDeadHolder(ports, first);
    const result = await deploy(ports, first, {
      generateSecrets: true,
      allowDestroy: false,
      breakGlass: undefined,
      signal: context.signal,
    });
    view.result({
      json: { ready: true, ...result, ms: context.now() - started },
      text: renderReady(
        session,
        renderDeployed(result, session),
        result.url,
        first,
        local,
        context.now() - started,
      ),
    });
    if (local.started) from = await stayUntilEnded(context.signal, localAws.ended(), endedByItself);
    return from;
  } catch (error) {
    if (local.restored.calls > 0 && !context.signal.aborted) {
      view.notify({
        type: 'warning',
        text: 'what an earlier start left may be in the way',
        hint: 'towpath local down --purge forgets it; then start again',
      });
    }
    throw error;
  } finally {
    // Whoever ended it elsewhere may have started another one already.
    if (local.started && from !== 'elsewhere') await localAws.stop();
  }
}

/**
 * A start that was killed holds its environment still: the lock was kept with everything else. On AWS a person decides;
 * here nobody but an earlier start of this very command can have held it, and it is known to be dead.
 */
async function freeDeadHolder(ports: Ports, environment: string): Promise<void> {
  try {
    const { freed } = await unlock({ ...ports, notifier: { notify: () => undefined } }, environment, {
      force: false,
    });
    if (freed.length === 0) return;
    ports.notifier.notify({
      type: 'note',
      text: `an earlier start ended without giving back ${environment}: ${freed.join(' and ')} freed`,
    });
  } catch (error) {
    // Nothing to free before bootstrap; a holder that lives is told of by the deployment.
    if (error instanceof TowpathError && ['NOT_BOOTSTRAPPED', 'LOCK_HOLDER_ALIVE'].includes(error.code))
      return;
    throw error;
  }
}

function renderReady(
  session: CommandSession,
  deployed: string,
  url: string | undefined,
  environment: string,
  local: LocalAws,
  ms: number,
): string {
  const { paint } = session;
  const commands: readonly (readonly [string, string])[] = [
    [`curl ${url}/`, 'ask the task behind the load balancer'],
    ['npx towpath status --local', 'the ladder at a glance'],
    [`npx towpath deploy ${environment} --local`, 'after a change in app/: a rollout without a lost request'],
    ['npx towpath stack up', 'Prometheus on every task, Redis, the app from its source with live reload'],
    ['eval "$(npx towpath local env)"', 'then any AWS tool: aws ecs list-tasks --cluster …'],
  ];
  const end = local.started
    ? 'Ctrl-C stops everything; the next start brings it back, towpath local down --purge forgets it.'
    : 'The embedded AWS was running before and runs on.';
  return [
    deployed,
    `  ${local.restored.calls === 0 ? 'from nothing' : 'ready again'} in ${formatDuration(ms)}; time in the embedded AWS runs ${local.speed} times as fast`,
    '',
    'Try next, in another terminal:',
    renderTable(
      commands.map(([command, what]) => [paint('bold', command), paint('dim', what)]),
      '  ',
    ),
    '',
    end,
  ].join('\n');
}

function endedByItself(reason: string): TowpathError {
  return new TowpathError('LOCAL_START_FAILED', `The embedded AWS has ended by itself: ${reason}`, {
    hint: 'npm start starts it again',
  });
}

export function localDownCommand(flags: Flags): CommandBody {
  return async ({ context, globals }) => {
    const localAws = await context.openLocalAws(globals);
    const outcome = await localAws.stop();
    const stopped =
      outcome === 'stopped' ? 'the embedded AWS has stopped' : 'the embedded AWS was not running';
    if (flags.purge !== true) {
      const kept = outcome === 'stopped' ? '; towpath local up brings back what it held' : '';
      return { json: { outcome }, text: `${stopped}${kept}` };
    }
    const purged = await localAws.purge();
    const forgot = purged === 'forgotten' ? 'all that it held is forgotten' : 'there was nothing to forget';
    return { json: { outcome, purged }, text: `${stopped}; ${forgot}` };
  };
}

export function localEnvCommand(): CommandBody {
  return async ({ context, globals }) => {
    const localAws = await context.openLocalAws(globals);
    const [running, keys] = await Promise.all([
      localAws.find(),
      localAws.credentials(globals.as ?? DEFAULT_IDENTITY),
    ]);
    if (!running || !keys) throw notRunning();
    const variables = {
      AWS_ENDPOINT_URL: running.endpoint,
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      AWS_REGION: running.region,
      // What the AWS CLI reads, which knows AWS_REGION only since its second version.
      AWS_DEFAULT_REGION: running.region,
      AWS_EC2_METADATA_DISABLED: 'true',
    };
    const lines = Object.entries(variables).map(([name, value]) => `export ${name}='${value}'`);
    return { json: variables, text: lines.join('\n') };
  };
}

export function notRunning(): TowpathError {
  return new TowpathError('LOCAL_NOT_RUNNING', 'The embedded AWS is not running.', {
    hint: 'towpath local up',
  });
}

function renderStarted(local: LocalAws, back: Back | undefined, paint: Paint): string {
  const started = `${paint('green', '✓')} embedded AWS at ${paint('cyan', local.endpoint)} (account ${local.account}, ${local.region}, speed ${local.speed}, pid ${local.pid})`;
  const next = 'next: towpath deploy ENVIRONMENT --local; towpath local down stops it';
  return [started, ...(back === undefined ? [] : renderBack(local, back, paint)), next].join('\n');
}

function renderBack(local: LocalAws, back: Back, paint: Paint): readonly string[] {
  const missing = back.desired - back.running;
  const lines = [
    back.environments === 0
      ? `${paint('green', '✓')} what it held is back; no environment runs a service`
      : `${paint('green', '✓')} ${plural(back.environments, 'environment')} back: ${plural(back.running, 'task')} running${missing > 0 ? `, ${missing} still to start: towpath local status` : ''}`,
  ];
  const { failedCalls } = local.restored;
  if (failedCalls > 0)
    lines.push(
      `${paint('yellow', '!')} ${plural(failedCalls, 'call')} of earlier runs could not be made again: see daemon.log, and plan each environment`,
    );
  return lines;
}

function parseDriver(flags: Flags): LocalDriver | undefined {
  const { driver } = flags;
  if (driver === undefined || driver === 'process' || driver === 'docker') return driver;
  throw new TowpathError('USAGE', `--driver must be process or docker, got "${String(driver)}".`, {
    hint: 'towpath local up --help',
  });
}

function parseNumber(
  flags: Flags,
  name: string,
  min: number,
  max: number,
  kind: 'number' | 'whole number' = 'number',
): number | undefined {
  const text = flags[name];
  if (text === undefined) return undefined;
  const value = Number(text);
  const fits = kind === 'number' ? Number.isFinite(value) : Number.isInteger(value);
  if (fits && value >= min && value <= max) return value;
  throw new TowpathError(
    'USAGE',
    `--${name} must be a ${kind} from ${min} to ${max}, got "${String(text)}".`,
    { hint: 'towpath local up --help' },
  );
}
