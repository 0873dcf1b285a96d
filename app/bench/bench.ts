/** `npm run bench -w app -- speed`: the rounds, the medians and the goals. Started by run.mjs beside the built service. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { freePort } from '../../test/support/free-port.ts';
import { NODE_FLAGS } from '../test/built-service.ts';
import { fuzzService } from '../test/fuzz-service.ts';
import { report } from './report.ts';
import { stopWithUs } from './stop-with-us.ts';

/** Told by run.mjs. */
const FLASK_DIR = process.env.FLASK_DIR ?? '';
const DIR = dirname(fileURLToPath(import.meta.url));
const CONNECTIONS = 32;
const READY_TIMEOUT_MS = 10_000;
const READY_POLL_MS = 5;
const WRK_TIMEOUT_MS = 60_000;
const STARTS = 7;
/** Linux counts processor time in hundredths of a second. */
const MICROSECONDS_PER_TICK = 10_000;
const GOAL_RESIDENT_MB = 90;
const GOAL_READY_MS = 400;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    fuzz: { type: 'string', default: '100000' },
  },
});

const WORKLOADS = [
  { name: 'GET /', path: '/', put: false },
  { name: 'GET /version', path: '/version', put: false },
  { name: 'GET /cache/{key}', path: '/cache/bench', put: false },
  { name: 'PUT /cache/{key}', path: '/cache/bench', put: true },
] as const;

/** Beside the app, one after the other; all serve the paths of the workloads with answers of the same content. */
interface Server {
  readonly name: string;
  readonly command: readonly [program: string, ...args: string[]];
}

const APP: Server = {
  name: 'app',
  command: [process.execPath, ...NODE_FLAGS, join(DIR, 'dist/server.js')],
};

const MEASURES: readonly (Server & {
  /** Times the requests a second of this server that the app must reach. */
  readonly goalRatio: number;
  /** What of the app's work this server does too, and what it does not. */
  readonly work: string;
})[] = [
  {
    name: 'bare node:http',
    command: [process.execPath, ...NODE_FLAGS, join(DIR, 'bare-server.mjs')],
    goalRatio: 0.8,
    work: 'the same answers; no log line, metrics, identifiers, limits or headers for safety',
  },
  {
    name: 'bare node:http with a log',
    command: [process.execPath, ...NODE_FLAGS, join(DIR, 'bare-server.mjs'), '--log'],
    goalRatio: 0.8,
    work: 'the same answers with identifier, nosniff and a log line; no metrics or limits',
  },
  {
    name: 'Flask under gunicorn',
    command: ['gunicorn', '--config', join(FLASK_DIR, 'gunicorn.conf.py'), '--chdir', FLASK_DIR],
    goalRatio: 4,
    work: 'the same contract, log line and metrics included; one worker with four threads, as its image starts it',
  },
];

interface Started {
  readonly child: ChildProcess;
  /** It need not be killed any more when this process ends. */
  readonly forget: () => void;
  readonly port: number;
  readonly readyMs: number;
}

/**
 * Both write to the null device: what a disk or a log driver makes of the lines is not the service's doing.
 * The service is started as the image starts it.
 */
async function start({ name, command: [program, ...args] }: Server): Promise<Started> {
  const port = await freePort();
  const begin = performance.now();
  const child = spawn(program, args, {
    env: {
      PATH: process.env.PATH,
      PORT: String(port),
      HOST: '127.0.0.1',
      APP_SECRET: 'bench-secret',
      SHUTDOWN_DELAY_MS: '0',
      LOG_LEVEL: 'info',
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const forget = stopWithUs(() => child.kill('SIGKILL'));
  while (performance.now() - begin < READY_TIMEOUT_MS) {
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) return { child, forget, port, readyMs: performance.now() - begin };
    await new Promise((resolve) => setTimeout(resolve, READY_POLL_MS));
  }
  child.kill('SIGKILL');
  forget();
  throw new Error(`${name} was not ready within ${READY_TIMEOUT_MS} ms`);
}

async function stop({ child, forget }: Started): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
  forget();
}

interface Measured {
  readonly perSecond: number;
  /** Processor time of the server for one request: what is left when others use the machine too. */
  readonly cpuMicroseconds: number;
}

/** Some servers let children work. */
function processesOf({ child }: Started): readonly string[] {
  const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8');
  return [String(child.pid), ...children.split(' ').filter((pid) => pid !== '')];
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0);
}

/** Clock ticks of user and system time (proc(5), stat). */
function cpuTicks(server: Started): number {
  const ticks = processesOf(server).map((pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    return Number(fields[11]) + Number(fields[12]);
  });
  return total(ticks);
}

/** Throws when any answer was not a 2xx. */
async function measure(server: Started, workload: (typeof WORKLOADS)[number]): Promise<Measured> {
  const args = ['-t1', `-c${CONNECTIONS}`, `-d${values.seconds}s`];
  if (workload.put) args.push('-s', join(DIR, 'put.lua'));
  const url = `http://127.0.0.1:${server.port}${workload.path}`;
  const before = cpuTicks(server);
  const { stdout } = await promisify(execFile)('wrk', [...args, url], { timeout: WRK_TIMEOUT_MS });
  const ticks = cpuTicks(server) - before;
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`${workload.name} failed:\n${stdout}`);
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1] ?? Number.NaN);
  const perSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1] ?? Number.NaN);
  return { perSecond, cpuMicroseconds: (ticks * MICROSECONDS_PER_TICK) / requests };
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2;
}

function residentMb(server: Started): number {
  const bytes = processesOf(server).map((pid) => {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
  });
  return total(bytes) / 1e6;
}

interface Compared {
  readonly speed: number;
  readonly cpu: number;
  readonly residentMb: number;
}

async function compareOne(
  app: Started,
  other: Started,
  workload: (typeof WORKLOADS)[number],
): Promise<Compared> {
  const pairs: { readonly app: Measured; readonly other: Measured }[] = [];
  let most = 0;
  for (let round = 0; round < Number(values.rounds); round += 1) {
    // Who goes first alternates, and only neighbours in time are compared: the machine is never the same twice.
    const first = await measure(round % 2 === 0 ? other : app, workload);
    const second = await measure(round % 2 === 0 ? app : other, workload);
    pairs.push(round % 2 === 0 ? { other: first, app: second } : { other: second, app: first });
    most = Math.max(most, residentMb(app));
  }
  const speed = median(pairs.map((pair) => pair.app.perSecond / pair.other.perSecond));
  const cpu = median(pairs.map((pair) => pair.other.cpuMicroseconds / pair.app.cpuMicroseconds));
  const both = (of: keyof Measured): string =>
    [pairs.map((pair) => pair.app[of]), pairs.map((pair) => pair.other[of])]
      .map((figures) => median(figures).toFixed(0))
      .join(' / ');
  console.log(
    `       ${workload.name.padEnd(20)} ${speed.toFixed(2)} by requests a second (${both('perSecond')}),`,
    `${cpu.toFixed(2)} by processor time (${both('cpuMicroseconds')} µs)`,
  );
  return { speed, cpu, residentMb: most };
}

async function compare(app: Started, measured: (typeof MEASURES)[number]): Promise<void> {
  console.log(`       ${measured.name}: ${measured.work}`);
  const other = await start(measured);
  try {
    await putBenchKey(other);
    const compared: Compared[] = [];
    for (const workload of WORKLOADS) compared.push(await compareOne(app, other, workload));
    const speed = median(compared.map((one) => one.speed));
    report(
      `app / ${measured.name}`,
      `${speed.toFixed(2)} by requests a second (goal ${measured.goalRatio}), ${median(compared.map((one) => one.cpu)).toFixed(2)} by processor time`,
      speed >= measured.goalRatio,
    );
    const most = Math.max(...compared.map((one) => one.residentMb));
    const both = `${most.toFixed(0)} MB (goal ${GOAL_RESIDENT_MB}); ${measured.name} ${residentMb(other).toFixed(0)} MB`;
    report('resident memory at load', both, most < GOAL_RESIDENT_MB);
  } finally {
    await stop(other);
  }
}

/** What the workload that reads finds. */
async function putBenchKey({ port }: Started): Promise<void> {
  const headers = { 'content-type': 'text/plain' };
  await fetch(`http://127.0.0.1:${port}/cache/bench`, { method: 'PUT', body: 'x'.repeat(512), headers });
}

async function timeStarts(): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round < STARTS; round += 1) {
    const app = await start(APP);
    times.push(app.readyMs);
    await stop(app);
  }
  const middle = median(times);
  report('start to ready, median', `${middle.toFixed(0)} ms (goal ${GOAL_READY_MS})`, middle < GOAL_READY_MS);
}

async function fuzz(): Promise<void> {
  const app = await start(APP);
  try {
    const { sent, byStatus, failures } = await fuzzService(
      app.port,
      Number(values.fuzz),
      Date.now() % 2 ** 31,
    );
    for (const failure of failures) console.log(`       ${failure}`);
    report(
      'fuzzed requests without a failure',
      `${sent}, ${JSON.stringify(byStatus)}`,
      failures.length === 0,
    );
    console.log(`       resident memory afterwards           ${residentMb(app).toFixed(0)} MB`);
  } finally {
    await stop(app);
  }
}

writeFileSync(
  join(DIR, 'put.lua'),
  `wrk.method = "PUT"\nwrk.body = string.rep("x", 512)\nwrk.headers["content-type"] = "text/plain"\n`,
);
await timeStarts();
const app = await start(APP);
try {
  await putBenchKey(app);
  for (const measured of MEASURES) await compare(app, measured);
} finally {
  await stop(app);
}
await fuzz();
