/**
 * Runs the app from its source, and again after every change: build, start beside the old one, wait until it is healthy,
 * hand the port over, stop the old one. What does not build or start is told, and the old one stays.
 */
import { get } from 'node:http';
import type { Clock, DevService, StackEvent } from '../contract.ts';
import { findFreePort } from '../free-port.ts';
import type { Program, StartProgram } from '../start-program.ts';
import type { FrontPort } from './front-port.ts';
import { changedFiles, type SourceScan } from './scan-source.ts';

const LOOK_INTERVAL_MS = 200;
/** Looking takes at most this part of one processor, however large the source is. */
const LOOK_SHARE = 0.04;
/** Editors and version control write several files; the build waits until nothing has changed for so long. */
const QUIET_MS = 50;
const MAX_QUIET_LOOKS = 40;
const BUILD_LIMIT_MS = 120_000;
const START_LIMIT_MS = 30_000;
const PROBE_INTERVAL_MS = 25;
const PROBE_LIMIT_MS = 2_000;
/** One that ends by itself is started again when it had lived so long; else it waits for a change. */
const LIVED_MS = 3_000;
/** Away from what people and other programs use, and from those of another stack that starts at the same moment. */
const FIRST_INNER_PORT = 21_500 + (process.pid % 400) * 20;
const OUTPUT_LINES = 30;

export interface LiveAppOptions {
  readonly service: DevService;
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly front: FrontPort;
  readonly start: StartProgram;
  readonly scan: () => SourceScan;
  readonly clock: Clock;
  readonly notify: (event: StackEvent) => void;
}

export interface LiveApp {
  /** Resolves when the first start has succeeded or failed. */
  readonly settled: Promise<void>;
  /** What stands in the way of the present source; undefined when it runs. */
  problem(): string | undefined;
  stop(): Promise<void>;
}

type Reload = Extract<StackEvent, { type: 'reload' }>;

export function startLiveApp(options: LiveAppOptions): LiveApp {
  const { service, front, clock, notify, scan } = options;
  const ending = new AbortController();
  let current: Program | undefined;
  let underWay: Program | undefined;
  let problem: string | undefined;
  let again = false;
  /** What these have to say of their end is of no interest: another one runs. */
  const replaced = new WeakSet<Program>();

  function report(outcome: Reload['outcome'], since: number, rest: Pick<Reload, 'changed' | 'output'>): void {
    problem = outcome === 'running' ? undefined : [outcome, ...rest.output.slice(-1)].join(': ');
    if (current === undefined) front.explain(explain(outcome, rest.output));
    notify({ type: 'reload', outcome, ms: clock.now() - since, ...rest });
  }

  async function bringUp(changed: readonly string[]): Promise<void> {
    const since = clock.now();
    const built = await build();
    if (ending.signal.aborted) return;
    if (built !== undefined) return report('build failed', since, { changed, output: built });
    const port = await findFreePort(FIRST_INNER_PORT);
    const program = launch(port);
    const failure = await untilHealthy(program, port);
    underWay = undefined;
    if (ending.signal.aborted || failure !== undefined) {
      await program.stop();
      if (failure !== undefined && !ending.signal.aborted)
        report('start failed', since, { changed, output: [...lastLines(program), failure] });
      return;
    }
    const old = current;
    current = program;
    front.passTo(port);
    report('running', since, { changed, output: [] });
    watchEnd(program);
    if (old === undefined) return;
    replaced.add(old);
    await old.stop();
  }

  /** @returns the output of a build that failed */
  async function build(): Promise<readonly string[] | undefined> {
    if (service.build === undefined) return undefined;
    const program = options.start({
      command: service.build,
      cwd: service.folder,
      env: { ...options.variables },
      onLine: () => undefined,
    });
    underWay = program;
    const limit = new AbortController();
    const late = clock.sleep(BUILD_LIMIT_MS, limit.signal).then(
      () => ({ ok: false, reason: `no end within ${BUILD_LIMIT_MS / 1000} s` }),
      () => program.ended,
    );
    const end = await Promise.race([program.ended, late]);
    limit.abort();
    await program.stop();
    underWay = undefined;
    if (end.ok) return undefined;
    const lines = lastLines(program);
    return lines.length > 0 ? lines : [`${service.build.join(' ')}: ${end.reason}`];
  }

  function launch(port: number): Program {
    const program: Program = options.start({
      command: service.command.map((word) => word.replaceAll('{port}', String(port))),
      cwd: service.folder,
      env: { ...options.variables, ...service.environment, PORT: String(port), HOST: '127.0.0.1' },
      onLine: (line) => {
        if (!replaced.has(program)) notify({ type: 'log', line });
      },
    });
    underWay = program;
    return program;
  }

  /** @returns why it is not */
  async function untilHealthy(program: Program, port: number): Promise<string | undefined> {
    const deadline = clock.now() + START_LIMIT_MS;
    let end: string | undefined;
    void program.ended.then(({ reason }) => {
      end = reason;
    });
    let last = '';
    while (clock.now() < deadline && !ending.signal.aborted) {
      if (end !== undefined) return `${service.command.join(' ')} ended by itself: ${end}`;
      last = await probe(port, service.healthPath);
      if (last === '') return undefined;
      await clock.sleep(PROBE_INTERVAL_MS);
    }
    return `not healthy within ${START_LIMIT_MS / 1000} s: GET ${service.healthPath} on the port in PORT (${port}): ${last}`;
  }

  function watchEnd(program: Program): void {
    const since = clock.now();
    void program.ended.then(({ reason }) => {
      if (program !== current || ending.signal.aborted) return;
      current = undefined;
      again = clock.now() - since >= LIVED_MS;
      const then = again ? 'it is started again' : 'it is started again after the next change';
      report('ended', since, { changed: [], output: [...lastLines(program), `${reason}; ${then}`] });
    });
  }

  async function untilChanged(before: SourceScan): Promise<SourceScan> {
    let after = before;
    while (!ending.signal.aborted && !again && changedFiles(before, after).length === 0) {
      const began = clock.now();
      after = scan();
      await clock.sleep(Math.max(LOOK_INTERVAL_MS, (clock.now() - began) / LOOK_SHARE));
    }
    for (let look = 0; look < MAX_QUIET_LOOKS && !ending.signal.aborted; look += 1) {
      await clock.sleep(QUIET_MS);
      const next = scan();
      if (changedFiles(after, next).length === 0) break;
      after = next;
    }
    return after;
  }

  async function run(first: SourceScan, settle: () => void): Promise<void> {
    let seen = first;
    await bringUp([]);
    settle();
    while (!ending.signal.aborted) {
      const after = await untilChanged(seen);
      if (ending.signal.aborted) return;
      const changed = changedFiles(seen, after);
      seen = after;
      again = false;
      await bringUp(changed);
    }
  }

  let settle: () => void = () => undefined;
  const settled = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const done = run(scan(), () => settle());
  return {
    settled: Promise.race([settled, done]),
    problem: () => problem,
    async stop() {
      ending.abort();
      await underWay?.stop();
      await current?.stop();
      await done;
    },
  };
}

function lastLines(program: Program): readonly string[] {
  return program.tail().slice(-OUTPUT_LINES);
}

function explain(outcome: Reload['outcome'], output: readonly string[]): string {
  const what = {
    running: 'The app runs.',
    'build failed': 'The source does not build:',
    'start failed': 'The app does not start:',
    ended: 'The app has ended by itself:',
  }[outcome];
  return `${[what, '', ...output].join('\n')}\n`;
}

/** @returns '' when it answers as it should, else what it answers */
function probe(port: number, path: string): Promise<string> {
  return new Promise((resolve) => {
    const request = get(
      { port, host: '127.0.0.1', path, agent: false, timeout: PROBE_LIMIT_MS },
      (response) => {
        response.resume();
        const { statusCode = 0 } = response;
        resolve(statusCode >= 200 && statusCode < 400 ? '' : `status ${statusCode}`);
      },
    );
    request.once('timeout', () => request.destroy(new Error(`no answer within ${PROBE_LIMIT_MS} ms`)));
    request.once('error', (error) => resolve(error.message));
  });
}
