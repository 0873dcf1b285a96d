/** `local up`, `local down`, `local status`: the embedded AWS on this computer. */
import { deploy, type LocalAws, type LocalAwsStatus, stage } from '../../actions/index.ts';
import { TowpathError } from '../../domain/errors.ts';
import { DEFAULT_IDENTITY } from '../context.ts';
import type { CommandBody, CommandSession } from '../session.ts';
import { formatDuration, type Paint, renderTable } from '../views/style.ts';
import { renderDeployed } from './deploy-commands.ts';

type Flags = Readonly<Record<string, unknown>>;

/** Rehearsals should not take as long as the real thing; `--speed 1` is real time. */
const DEFAULT_SPEED = 10;

export function localUpCommand(flags: Flags): CommandBody {
  return async (session) => {
    const options = {
      speed: parseNumber(flags, 'speed', 0.1, 1000) ?? DEFAULT_SPEED,
      port: parseNumber(flags, 'port', 1, 65_535, 'whole number'),
    };
    const foreground = flags.deploy === true;
    const started = session.context.now();
    const local = await startLocalAws(session, { ...options, attached: foreground });
    if (!foreground) return { json: { ...local }, text: renderStarted(local, session.paint) };
    await deployAndStay(session, local, started);
    return {
      json: { stopped: local.started },
      text: local.started ? 'the embedded AWS has stopped; nothing is left running' : '',
    };
  };
}

async function startLocalAws(
  session: CommandSession,
  options: {
    readonly speed: number | undefined;
    readonly port: number | undefined;
    readonly attached: boolean;
  },
): Promise<LocalAws> {
  const localAws = await session.context.openLocalAws(session.globals);
  const clock = { now: () => new Date(session.context.now()), sleep: async () => undefined };
  return stage(
    { notifier: session.view, clock },
    'embedded AWS',
    () => localAws.start(options),
    (local) => `${local.endpoint}${local.started ? '' : ', was running'}`,
  );
}

/** What `npm start` does: the first environment is deployed, and everything lives until this process ends. */
async function deployAndStay(session: CommandSession, local: LocalAws, started: number): Promise<void> {
  const { context, view } = session;
  const localAws = await context.openLocalAws(session.globals);
  try {
    const ports = await context.openProject(
      { ...session.globals, local: true },
      { notifier: view, prompter: { secret: async () => undefined, confirm: async () => undefined } },
    );
    const first = ports.project.environments[0]?.name ?? '';
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
    if (local.started) await untilAborted(context.signal, localAws.ended());
  } finally {
    if (local.started) await localAws.stop();
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
    ['eval "$(npx towpath local env)"', 'then any AWS tool: aws ecs list-tasks --cluster …'],
  ];
  const end = local.started
    ? 'Ctrl-C stops everything and leaves nothing behind.'
    : 'The embedded AWS was running before and runs on.';
  return [
    deployed,
    `  from nothing in ${formatDuration(ms)}; time in the embedded AWS runs ${local.speed} times as fast`,
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

/** Resolves when a person ends it; an embedded AWS that dies by itself is an error. */
async function untilAborted(signal: AbortSignal, ended: Promise<string>): Promise<void> {
  const aborted = new Promise<undefined>((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  // A pending promise does not keep Node running; the timer does.
  const keepAlive = setInterval(() => undefined, 60_000);
  const reason = await Promise.race([aborted, ended]);
  clearInterval(keepAlive);
  if (reason !== undefined)
    throw new TowpathError('LOCAL_START_FAILED', `The embedded AWS has ended by itself: ${reason}`, {
      hint: 'npm start starts it again',
    });
}

export function localDownCommand(): CommandBody {
  return async ({ context, globals }) => {
    const outcome = await (await context.openLocalAws(globals)).stop();
    return {
      json: { outcome },
      text: outcome === 'stopped' ? 'the embedded AWS has stopped' : 'the embedded AWS was not running',
    };
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

function notRunning(): TowpathError {
  return new TowpathError('LOCAL_NOT_RUNNING', 'The embedded AWS is not running.', {
    hint: 'towpath local up',
  });
}

export function localStatusCommand(): CommandBody {
  return async ({ context, globals, paint }) => {
    const status = await (await context.openLocalAws(globals)).status();
    if (!status) throw notRunning();
    return { json: { ...status }, text: renderStatus(status, paint) };
  };
}

function renderStarted(local: LocalAws, paint: Paint): string {
  return `${paint('green', '✓')} embedded AWS at ${paint('cyan', local.endpoint)} (account ${local.account}, ${local.region}, speed ${local.speed}, pid ${local.pid})\nnext: towpath deploy ENVIRONMENT --local; towpath local down stops it`;
}

function renderStatus(status: LocalAwsStatus, paint: Paint): string {
  const lines = [
    `embedded AWS at ${paint('cyan', status.endpoint)}, speed ${status.speed}, pid ${status.pid}, since ${status.startedAt}`,
  ];
  for (const environment of status.environments) {
    lines.push(
      '',
      `${paint('bold', environment.name)} ${environment.running}/${environment.desired} tasks ${environment.url === undefined ? '' : paint('cyan', environment.url)}`,
    );
    lines.push(
      renderTable(
        environment.tasks.map((task) => [
          task.zone,
          task.id.slice(0, 12),
          task.lastStatus,
          task.health ?? '-',
          task.address,
        ]),
        '  ',
      ),
    );
  }
  if (status.environments.length === 0) lines.push('no environment runs a service yet');
  return lines.join('\n');
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
