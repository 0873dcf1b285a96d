/**
 * The local development stack of one project, as a child or as a daemon. What it does is the business of the
 * `local-stack` workspace; the two share a folder, JSON lines and the HTTP of its control port.
 */
import { join } from 'node:path';
import { TowpathError } from '../../domain/errors.ts';
import type { Project } from '../../domain/project.ts';
import type { StackEvent, StackPort, StackStatus } from '../../ports.ts';
import { findContainerEngine } from '../build/container-engine.ts';
import {
  type DaemonInfo,
  type DaemonLine,
  type DaemonSpec,
  findDaemon,
  runDaemonOnce,
  type StartedDaemon,
  startDaemonProcess,
  stopDaemon,
} from '../process/daemon-process.ts';
import { loadDevService } from './dev-service.ts';

/** The first time, an engine downloads images. */
const START_LIMIT_MS = 700_000;
/** Compose stops containers one after the other. */
const STOP_LIMIT_MS = 90_000;
const ANSWER_LIMIT_MS = 10_000;

export interface LocalStackOptions {
  /** The stack's entry file. */
  readonly entry: string;
  readonly project: Project;
  /** The project's folder. */
  readonly root: string;
  /** Folder of this stack's configuration, data and logs. */
  readonly stateDir: string;
  /** That of the embedded AWS. */
  readonly localAwsDir: string;
}

interface StackInfo extends DaemonInfo {
  readonly url: string;
}

export function createLocalStack(options: LocalStackOptions): StackPort {
  const { entry, project, root, stateDir, localAwsDir } = options;
  const spec: DaemonSpec = {
    title: 'The local development stack',
    stateDir,
    infoFile: 'stack.json',
    logFile: 'daemon.log',
    startLimitMs: START_LIMIT_MS,
    stopLimitMs: STOP_LIMIT_MS,
    errorCodes: ['STACK_START_FAILED', 'NO_CONTAINER_ENGINE'],
    failureHint: `see ${join(stateDir, 'stack.log')}`,
  };
  let daemon: StartedDaemon | undefined;

  async function status(): Promise<StackStatus | undefined> {
    const running = await findDaemon<StackInfo>(spec);
    if (running === undefined) return undefined;
    try {
      const answer = await fetch(`${running.url}/status`, { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) });
      return (await answer.json()) as StackStatus;
    } catch (cause) {
      throw new TowpathError(
        'STACK_START_FAILED',
        `The local development stack (pid ${running.pid}) does not answer at ${running.url}.`,
        { cause, hint: 'towpath stack down, then towpath stack up' },
      );
    }
  }

  return {
    status,

    async start({ runner, attached, onEvent, signal }) {
      const running = await status();
      if (running) return { ...running, started: false };
      const engine = runner === 'native' ? undefined : await findContainerEngine();
      const service = await loadDevService(project, root);
      const settings = { project: project.name, service, localAwsDir, runner, engine: engine?.name };
      const args = [entry, '--state-dir', stateDir, '--options', JSON.stringify(settings)];
      const onLine = (line: DaemonLine) => {
        if (isEvent(line)) onEvent(line);
      };
      daemon = await startDaemonProcess(spec, args, attached, onLine, signal);
      const ready = await status();
      if (ready === undefined)
        throw new TowpathError('STACK_START_FAILED', 'The local development stack has ended at once.', {
          hint: spec.failureHint,
        });
      return { ...ready, started: true };
    },

    async stop() {
      if ((await stopDaemon(spec)) === 'stopped') return 'stopped';
      const args = [entry, '--state-dir', stateDir, '--clean'];
      const found = await runDaemonOnce(spec, args, 'The local development stack was not ended');
      return found ? 'leftovers ended' : 'not running';
    },

    ended: () => daemon?.ended() ?? new Promise(() => undefined),
  };
}

const EVENTS: readonly string[] = ['note', 'log', 'reload'] satisfies StackEvent['type'][];

function isEvent(line: DaemonLine): line is DaemonLine & StackEvent {
  return EVENTS.includes(line.type ?? '');
}
