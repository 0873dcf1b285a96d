/**
 * Throughput and p99 of our load balancer beside haproxy and nginx: the same two targets, the same wrk settings, in
 * alternating rounds, so that a noisy machine is noisy for all. None of them writes an access log: an Application Load
 * Balancer does not either, until it is told to. Nothing listens outside loopback.
 * Goals: at least 0.6 times the requests a second of haproxy, a p99 of at most twice haproxy's.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { haproxyConfiguration, nginxConfiguration, parseWrk, type WrkReport } from './peer-balancers.ts';

export const GOALS = { throughputOfHaproxy: 0.6, p99OfHaproxy: 2 } as const;

const UPSTREAMS = ['127.61.1.7:5000', '127.61.2.7:5000'] as const;
/** Below the ports that the system hands out by itself. */
const PORTS = { haproxy: 18_701, nginx: 18_702, oursFrom: 18_000 } as const;
const CONNECTIONS = 32;
const START_LIMIT_MS = 15_000;
/** Of the kernel's clock for process times. */
const MILLISECONDS_OF_A_TICK = 10;
const STOP_LIMIT_MS = 3_000;

export interface BalancerBenchOptions {
  readonly rounds?: number;
  readonly secondsEach?: number;
  readonly say?: (line: string) => void;
  /** Node options of our process, e.g. `--cpu-prof`. */
  readonly nodeOptions?: readonly string[];
}

export interface BalancerFigures {
  readonly name: string;
  readonly requestsPerSecond: number;
  readonly p99Ms: number;
  /** Processor time of the load balancer itself for a request, microseconds; little disturbed by a busy machine. */
  readonly cpuMicroseconds: number;
  /** Answers that were no 2xx or 3xx, and socket errors, over all rounds. */
  readonly failures: number;
}

export interface BalancerBench {
  readonly figures: readonly BalancerFigures[];
  readonly throughputOfHaproxy: number;
  readonly p99OfHaproxy: number;
}

/** @throws Error when haproxy, nginx or wrk is missing or does not start */
export async function benchBalancer(options: BalancerBenchOptions = {}): Promise<BalancerBench> {
  const { rounds = 5, secondsEach = 3, say = () => undefined, nodeOptions = [] } = options;
  const folder = mkdtempSync(join(tmpdir(), 'balancer-bench-'));
  const children: ChildProcess[] = [];
  try {
    const urls = await startAll(folder, children, nodeOptions);
    const reports = new Map<string, Round[]>(urls.map(({ name }) => [name, []]));
    for (const { url } of urls) await runWrk(url, 1); // connections, caches and compilers are warm afterwards
    for (let round = 0; round < rounds; round += 1) {
      const order = round % 2 === 0 ? urls : [...urls].reverse();
      for (const { name, url, pids } of order) {
        const report = await measure(url, secondsEach, pids());
        say(
          `round ${round + 1} ${name}: ${report.requestsPerSecond.toFixed(0)} requests/s, p99 ${report.p99Ms.toFixed(2)} ms, ${report.cpuMicroseconds.toFixed(0)} µs of CPU each`,
        );
        reports.get(name)?.push(report);
      }
    }
    return summarize(reports);
  } finally {
    await stopAll(children);
    rmSync(folder, { recursive: true, force: true });
  }
}

type Round = WrkReport & Pick<BalancerFigures, 'cpuMicroseconds'>;

async function measure(url: string, seconds: number, pids: readonly number[]): Promise<Round> {
  const cpu = () => pids.reduce((sum, pid) => sum + cpuMilliseconds(pid), 0);
  const before = cpu();
  const report = await runWrk(url, seconds);
  const cpuMicroseconds = ((cpu() - before) * 1000) / Math.max(1, report.requestsPerSecond * seconds);
  return { ...report, cpuMicroseconds };
}

/** User and system time of a process with all its threads; 0 where there is no /proc. */
function cpuMilliseconds(pid: number): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) * MILLISECONDS_OF_A_TICK;
  } catch {
    return 0;
  }
}

/** nginx answers in a worker, which is a child. */
function withChildren(child: ChildProcess): number[] {
  const { pid } = child;
  if (pid === undefined) return [];
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    return [
      pid,
      ...children
        .split(' ')
        .filter((text) => text !== '')
        .map(Number),
    ];
  } catch {
    return [pid];
  }
}

function summarize(reports: ReadonlyMap<string, readonly Round[]>): BalancerBench {
  const figures = [...reports].map(([name, runs]) => ({
    name,
    requestsPerSecond: median(runs.map((run) => run.requestsPerSecond)),
    p99Ms: median(runs.map((run) => run.p99Ms)),
    cpuMicroseconds: median(runs.map((run) => run.cpuMicroseconds)),
    failures: runs.reduce((sum, run) => sum + run.failures, 0),
  }));
  // Of each round, then the median: what disturbs one round disturbs both.
  const ratioOf = (figure: (round: Round) => number) =>
    median(
      (reports.get('ours') ?? []).map(
        (ours, i) => figure(ours) / figure(reports.get('haproxy')?.[i] ?? ours),
      ),
    );
  return {
    figures,
    throughputOfHaproxy: ratioOf((round) => round.requestsPerSecond),
    p99OfHaproxy: ratioOf((round) => round.p99Ms),
  };
}

interface Contender {
  readonly name: string;
  readonly url: string;
  readonly pids: () => readonly number[];
}

async function startAll(
  folder: string,
  children: ChildProcess[],
  nodeOptions: readonly string[],
): Promise<readonly Contender[]> {
  const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
  for (const upstream of UPSTREAMS) {
    const child = start(children, process.execPath, [here('./upstream.mjs'), ...upstream.split(':')]);
    await lineOf(child, /^ready/m);
  }
  const program = join(folder, 'balancer-process.mjs');
  await build({
    entryPoints: [here('./balancer-process.ts')],
    outfile: program,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    logLevel: 'warning',
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
  });
  const ours = start(children, process.execPath, [
    ...nodeOptions,
    program,
    folder,
    String(PORTS.oursFrom),
    ...UPSTREAMS,
  ]);
  const [, ourPort = ''] = await lineOf(ours, /^ready (\d+)/m);
  const haproxy = join(folder, 'haproxy.cfg');
  writeFileSync(haproxy, haproxyConfiguration(PORTS.haproxy, UPSTREAMS));
  const haproxyProcess = start(children, 'haproxy', ['-db', '-f', haproxy]);
  const nginx = join(folder, 'nginx.conf');
  writeFileSync(nginx, nginxConfiguration(PORTS.nginx, UPSTREAMS, folder));
  const nginxProcess = start(children, 'nginx', ['-p', folder, '-c', nginx]);
  const urls = [
    { name: 'haproxy', url: `http://127.0.0.1:${PORTS.haproxy}/`, pids: () => withChildren(haproxyProcess) },
    { name: 'nginx', url: `http://127.0.0.1:${PORTS.nginx}/`, pids: () => withChildren(nginxProcess) },
    { name: 'ours', url: `http://127.0.0.1:${ourPort}/`, pids: () => withChildren(ours) },
  ];
  for (const { url } of urls) await untilAnswers(url);
  return urls;
}

function start(children: ChildProcess[], command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  child.on('error', () => undefined); // told by what waits for it
  children.push(child);
  return child;
}

async function stopAll(children: readonly ChildProcess[]): Promise<void> {
  for (const child of [...children].reverse()) {
    if (child.pid === undefined || child.exitCode !== null) continue;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGTERM');
    await Promise.race([ended, sleep(STOP_LIMIT_MS, undefined, { ref: false })]);
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  }
}

function lineOf(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    let text = '';
    const timer = setTimeout(
      () => reject(new Error(`no ${pattern} within ${START_LIMIT_MS} ms`)),
      START_LIMIT_MS,
    );
    child.once('exit', (code) => reject(new Error(`${child.spawnargs.join(' ')} ended with ${code}`)));
    child.stdout?.on('data', (chunk) => {
      text += chunk;
      const match = pattern.exec(text);
      if (match === null) return;
      clearTimeout(timer);
      resolve(match);
    });
  });
}

async function untilAnswers(url: string): Promise<void> {
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    const status = await fetch(url).then(
      (answer) => answer.status,
      () => 0,
    );
    if (status === 200) return;
    if (Date.now() > deadline) throw new Error(`${url} does not answer with 200 within ${START_LIMIT_MS} ms`);
    await sleep(50);
  }
}

function runWrk(url: string, seconds: number): Promise<WrkReport> {
  return new Promise((resolve, reject) => {
    const wrk = spawn('wrk', ['-t1', `-c${CONNECTIONS}`, `-d${seconds}s`, '--latency', url], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let text = '';
    wrk.stdout.on('data', (chunk) => {
      text += chunk;
    });
    wrk.once('error', reject);
    wrk.once('close', (code) => {
      if (code === 0) resolve(parseWrk(text));
      else reject(new Error(`wrk ended with ${code}: ${text}`));
    });
  });
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
