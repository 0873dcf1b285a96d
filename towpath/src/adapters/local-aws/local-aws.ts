/**
 * The embedded AWS of one project, as a child or as a daemon: started, found again, asked, stopped.
 * What it does is the business of the `local-aws` workspace; the two share a folder and the HTTP of its gateway.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ChaosEntry, ChaosList } from '../../domain/chaos.ts';
import { TowpathError } from '../../domain/errors.ts';
import type { LocalAws, LocalAwsPort, LocalAwsStatus, LocalDriver, LocalStartOptions } from '../../ports.ts';
import {
  type DaemonSpec,
  findDaemon,
  runDaemonOnce,
  type StartedDaemon,
  startDaemonProcess,
  startFailed,
  stopDaemon,
  tailOfLog,
} from '../process/daemon-process.ts';

/** The first start on a computer may have to install moto. */
const START_TIMEOUT_MS = 240_000;
const STOP_TIMEOUT_MS = 30_000;
const ANSWER_TIMEOUT_MS = 10_000;
const CHAOS_PATH = '/_local/chaos';
/** From one look at the progress of a start to the next. */
const PROGRESS_INTERVAL_MS = 1_000;

export interface LocalAwsOptions {
  /** The daemon's entry file. */
  readonly entry: string;
  /** Folder that holds everything of this project's embedded AWS. */
  readonly stateDir: string;
  /** The project's region; the embedded AWS has this one only. */
  readonly region: string;
}

interface LocalFile {
  readonly endpoint: string;
  readonly pid: number;
  readonly speed: number;
  readonly region: string;
  readonly accountId: string;
  readonly driver?: LocalDriver;
  readonly restored?: { readonly calls: number; readonly failedCalls: number };
  readonly movedPorts?: LocalAws['movedPorts'];
}

function specOf(stateDir: string): DaemonSpec {
  return {
    title: 'The embedded AWS',
    stateDir,
    infoFile: 'local.json',
    logFile: 'daemon.log',
    startLimitMs: START_TIMEOUT_MS,
    stopLimitMs: STOP_TIMEOUT_MS,
    errorCodes: [
      'LOCAL_START_FAILED',
      'PORT_BUSY',
      'MOTO_NOT_FOUND',
      'LOCAL_STATE_UNUSABLE',
      'NO_CONTAINER_ENGINE',
    ],
    failureHint: 'towpath local up --verbose',
  };
}

export function createLocalAws(options: LocalAwsOptions): LocalAwsPort {
  const spec = specOf(options.stateDir);
  let daemon: StartedDaemon | undefined;
  const stop = () => stopDaemon(spec);

  return {
    async start(start) {
      const running = await findRunning(options.stateDir);
      if (running) {
        refuseOtherDriver(describe(running, false), start);
        return describe(running, false);
      }
      const watch = watchProgress(options.stateDir, start.onProgress);
      daemon = await startDaemonProcess(spec, daemonArguments(options, start), start.attached).finally(
        watch.end,
      );
      const found = await findRunning(options.stateDir);
      if (!found) throw startFailed(spec, 'it reported ready and left no trace', await tailOfLog(spec));
      return describe(found, true);
    },

    stop,

    async purge() {
      await stop();
      const args = [options.entry, '--state-dir', options.stateDir, '--purge'];
      // The daemon's program knows its files; it also makes sure that none runs on them.
      const found = await runDaemonOnce(spec, args, 'The state of the embedded AWS was not removed');
      return found ? 'forgotten' : 'nothing to forget';
    },

    async find() {
      const running = await findRunning(options.stateDir);
      return running && describe(running, false);
    },

    async credentials(identity) {
      const text = await readFile(join(options.stateDir, 'identities.json'), 'utf8').catch(() => undefined);
      if (text === undefined) return undefined;
      const identities = JSON.parse(text) as Record<string, { accessKeyId: string; secretAccessKey: string }>;
      const keys = identities[identity];
      if (keys) return keys;
      throw new TowpathError(
        'USAGE',
        `The embedded AWS has no identity "${identity}"; it has: ${Object.keys(identities).join(', ')}.`,
        { hint: '--as developer' },
      );
    },

    ended: () => daemon?.ended() ?? new Promise(() => undefined),

    async status() {
      const response = await ask(options.stateDir, 'GET', '/_local/status');
      return response && ((await response.json()) as LocalAwsStatus);
    },

    async chaos() {
      return readChaos<ChaosList>(await ask(options.stateDir, 'GET', CHAOS_PATH));
    },

    async startChaos(request) {
      return readChaos<ChaosEntry>(await ask(options.stateDir, 'POST', CHAOS_PATH, request));
    },

    async undoChaos(id) {
      const path = id === undefined ? CHAOS_PATH : `${CHAOS_PATH}/${encodeURIComponent(id)}`;
      const response = await ask(options.stateDir, 'DELETE', path);
      if (id === undefined)
        return (await readChaos<{ readonly undone: readonly ChaosEntry[] }>(response))?.undone;
      const entry = await readChaos<ChaosEntry>(response);
      return entry && [entry];
    },
  };
}

/** @returns undefined when it is not running */
async function ask(
  stateDir: string,
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  body?: object,
): Promise<Response | undefined> {
  const running = await findRunning(stateDir);
  if (!running) return undefined;
  return fetch(`${running.endpoint}${path}`, {
    method,
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
  }).catch((cause: unknown) => {
    throw new TowpathError(
      'AWS_UNREACHABLE',
      `The embedded AWS (pid ${running.pid}) does not answer at ${running.endpoint}.`,
      { cause, hint: 'towpath local down, then towpath local up' },
    );
  });
}

/** @throws TowpathError with the embedded AWS's own words when it refused */
async function readChaos<T>(response: Response | undefined): Promise<T | undefined> {
  if (response === undefined) return undefined;
  const answer = (await response.json()) as T & { readonly kind?: string; readonly message?: string };
  if (response.ok) return answer;
  // What is malformed or not there is for the caller to mend; what can't be done now may be possible later.
  const code = answer.kind === 'refused' ? 'CHAOS_REFUSED' : 'USAGE';
  throw new TowpathError(
    code,
    answer.message ?? `The embedded AWS answered with status ${response.status}.`,
    {
      hint:
        code === 'USAGE'
          ? 'towpath local chaos --help'
          : 'towpath local status and towpath local chaos show what is there',
    },
  );
}

function daemonArguments(options: LocalAwsOptions, start: LocalStartOptions): string[] {
  const args = [options.entry, '--state-dir', options.stateDir, '--region', options.region];
  if (start.port !== undefined) args.push('--port', String(start.port));
  if (start.speed !== undefined) args.push('--speed', String(start.speed));
  if (start.driver !== undefined) args.push('--driver', start.driver);
  return args;
}

/** A running one keeps its driver; whoever asked for another should know. */
function refuseOtherDriver(running: LocalAws, { driver }: LocalStartOptions): void {
  if (driver === undefined || driver === running.driver) return;
  throw new TowpathError(
    'LOCAL_START_FAILED',
    `The embedded AWS (pid ${running.pid}) runs already, with driver ${running.driver} and not ${driver}.`,
    { hint: `towpath local down, then towpath local up --driver ${driver}` },
  );
}

function findRunning(stateDir: string): Promise<LocalFile | undefined> {
  return findDaemon<LocalFile>(specOf(stateDir));
}

function describe(file: LocalFile, started: boolean): LocalAws {
  return {
    endpoint: file.endpoint,
    speed: file.speed,
    pid: file.pid,
    region: file.region,
    account: file.accountId,
    driver: file.driver ?? 'process',
    started,
    restored: file.restored ?? { calls: 0, failedCalls: 0 },
    movedPorts: file.movedPorts ?? [],
  };
}

/** The daemon writes how far it is into a file of its own while it brings earlier state back. */
function watchProgress(stateDir: string, onProgress: LocalStartOptions['onProgress']): { end(): void } {
  if (onProgress === undefined) return { end: () => undefined };
  let last = '';
  const timer = setInterval(() => {
    void readFile(join(stateDir, 'starting.json'), 'utf8')
      .then((text) => {
        if (text !== last) onProgress(JSON.parse(text) as { done: number; total: number });
        last = text;
      })
      // Not there yet, or not any more.
      .catch(() => undefined);
  }, PROGRESS_INTERVAL_MS);
  return { end: () => clearInterval(timer) };
}
