/**
 * The stack with its real programs for a test: Redis with its exporter, the built app as itself and as two releases of a
 * task, and a Prometheus that watches them with the committed configuration and rules.
 */
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { on, once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { findFreePort } from '../src/free-port.ts';
import { STACK_DIR } from './dashboard-queries.ts';
import { writeLiveConfig } from './live-config.ts';
import { explainMissing, type Program } from './run-program.ts';

const APP_DIR = join(dirname(STACK_DIR), 'app');
const START_TIMEOUT_MS = 30_000;
const POLL_MS = 50;
const MAX_COMPLAINT_CHARS = 4_000;

export interface LiveTask {
  readonly environment: string;
  readonly task: string;
  readonly zone: string;
  readonly release: string;
}

/** One environment with an old and a new release, as during a rollout. */
export const TASKS: readonly LiveTask[] = [
  { environment: 'test', task: '0f0e0d0c0b0a', zone: 'us-east-1a', release: '0123456789ab' },
  { environment: 'test', task: '1f1e1d1c1b1a', zone: 'us-east-1b', release: 'ba9876543210' },
];

export interface LiveProgram {
  readonly origin: string;
  /** What it wrote last to standard error; the app writes straight through. */
  readonly complaints: () => string;
  stop(): Promise<void>;
}

export interface LiveStack {
  readonly prometheus: LiveProgram;
  readonly redis: LiveProgram;
  readonly app: LiveProgram;
  /** In the order of `TASKS`. */
  readonly tasks: readonly LiveProgram[];
  stop(): Promise<void>;
}

export async function startLiveStack(): Promise<LiveStack> {
  const dir = await mkdtemp(join(tmpdir(), 'towpath-live-'));
  const stops: (() => unknown)[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(stops.splice(0).map(async (each) => each()));
    await rm(dir, { recursive: true, force: true });
  };
  try {
    return { ...(await startAll(dir, stops)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** @param stops gets the end of each program as soon as it is there */
async function startAll(dir: string, stops: (() => unknown)[]): Promise<Omit<LiveStack, 'stop'>> {
  const run = async (program: Program, port: number, args: readonly string[]): Promise<LiveProgram> => {
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    stops.push(() => end(child));
    await once(child, 'spawn').catch((error) => {
      throw explainMissing(program, error);
    });
    let complaints = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaints = (complaints + text).slice(-MAX_COMPLAINT_CHARS);
    });
    return { origin: `http://127.0.0.1:${port}`, complaints: () => complaints, stop: () => end(child) };
  };
  const runApp = async (env: Readonly<Record<string, string>>): Promise<LiveProgram> => {
    const child = spawnApp({ REDIS_URL: `redis://127.0.0.1:${redisPort}`, ...env });
    stops.push(() => end(child));
    const port = await listeningPort(child);
    return { origin: `http://127.0.0.1:${port}`, complaints: () => '', stop: () => end(child) };
  };

  const [redisPort, exporterPort, prometheusPort] = await Promise.all([
    findFreePort(0),
    findFreePort(0),
    findFreePort(0),
  ]);
  const redis = await run('redis-server', redisPort, [
    join(STACK_DIR, 'redis', 'redis.conf'),
    ...[
      '--bind',
      '127.0.0.1',
      '--port',
      String(redisPort),
      '--dir',
      dir,
      '--logfile',
      join(dir, 'redis.log'),
    ],
  ]);
  await run('prometheus-redis-exporter', exporterPort, [
    `-redis.addr=redis://127.0.0.1:${redisPort}`,
    `-web.listen-address=127.0.0.1:${exporterPort}`,
  ]);
  const app = await runApp({ ENVIRONMENT: 'local' });
  const tasks: LiveProgram[] = [];
  const embeddedAws = await serveTasks(tasks);
  stops.push(() => embeddedAws.close());
  const awsOrigin = `http://127.0.0.1:${(embeddedAws.address() as AddressInfo).port}`;
  const started = TASKS.map(({ environment, task }) =>
    runApp({ ENVIRONMENT: environment, ECS_CONTAINER_METADATA_URI_V4: `${awsOrigin}/v4/${task}` }),
  );
  tasks.push(...(await Promise.all(started)));
  const config = await writeLiveConfig(dir, {
    app: new URL(app.origin).host,
    redisExporter: `127.0.0.1:${exporterPort}`,
    prometheus: `127.0.0.1:${prometheusPort}`,
    tasksUrl: `${awsOrigin}/targets`,
  });
  const prometheus = await run('prometheus', prometheusPort, [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(dir, 'data')}`,
    `--web.listen-address=127.0.0.1:${prometheusPort}`,
    '--log.level=error',
  ]);
  await untilReady(prometheus);
  return { prometheus, redis, app, tasks };
}

type AppProcess = ChildProcessByStdio<null, Readable, null>;

function spawnApp(env: Readonly<Record<string, string>>): AppProcess {
  const server = join(APP_DIR, 'dist', 'server.js');
  if (!existsSync(server)) throw new Error(`${server} is not there. Build it: npm run build`);
  const fixed = { HOST: '127.0.0.1', PORT: '0', FAULTS: 'on', METRICS_INTERVAL_SECONDS: '0' };
  return spawn(process.execPath, [server], {
    cwd: APP_DIR,
    env: { ...fixed, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function listeningPort(child: AppProcess): Promise<number> {
  const lines = createInterface({ input: child.stdout });
  const deadline = AbortSignal.timeout(START_TIMEOUT_MS);
  for await (const [line] of on(lines, 'line', { signal: deadline, close: ['close'] })) {
    const { msg, port } = JSON.parse(line) as { msg?: string; port?: number };
    // The rest of the log is read and forgotten: a full pipe would stop the service.
    if (msg === 'listening' && port !== undefined) return port;
  }
  throw new Error('the app ended before it listened');
}

/** What tasks and Prometheus ask of the embedded AWS: the metadata of a task, and `GET /_local/scrape-targets`. */
async function serveTasks(tasks: readonly LiveProgram[]): Promise<Server> {
  const server = createServer((request, response) => {
    const groups = tasks.map(({ origin }, index) => ({
      targets: [new URL(origin).host],
      labels: { service: 'app', ...TASKS[index] },
    }));
    const answer = request.url?.endsWith('/task') ? { Limits: { CPU: 0.25, Memory: 512 } } : groups;
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

async function untilReady({ origin, complaints }: LiveProgram): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const answer = await fetch(`${origin}/-/ready`).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok === true) return;
    await sleep(POLL_MS);
  }
  throw new Error(`Prometheus was not ready within ${START_TIMEOUT_MS} ms: ${complaints()}`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
}
