/**
 * A whole world in memory for tests of actions: a project, its environments in the cloud, its files, its clock,
 * and one journal that keeps the order of what happened across all of them.
 */
import { renderEnvironmentFiles } from '../../src/domain/environment-files.ts';
import type { LedgerEvent, LedgerPayload } from '../../src/domain/ledger.ts';
import type { ProgressEvent } from '../../src/domain/progress.ts';
import type { Environment, Project } from '../../src/domain/project.ts';
import type { Cloud, LedgerPort, LockPort, Notifier, Ports } from '../../src/ports.ts';
import { type BootstrapStore, createMemoryBootstrap } from './memory-bootstrap.ts';
import { createMemoryClock, type MemoryClock } from './memory-clock.ts';
import { createExecStore, createMemoryExec, type ExecStore } from './memory-exec.ts';
import { createImageSource, createMemoryImages, type ImageSource } from './memory-images.ts';
import { createMemoryLedger, type LedgerStore } from './memory-ledger.ts';
import { createMemoryLock, type LockStore } from './memory-lock.ts';
import { createLogStore, createMemoryLogs, type LogStore } from './memory-logs.ts';
import { createMemoryMonitoring, createMonitoringStore, type MonitoringStore } from './memory-monitoring.ts';
import { createMemoryOneOff, createOneOffStore, type OneOffStore } from './memory-one-off.ts';
import { createMemoryRandom } from './memory-random.ts';
import { createMemorySecrets, type StoredSecret } from './memory-secrets.ts';
import { createMemoryTerraform, type MemoryTerraform } from './memory-terraform.ts';
import { createMemoryWorkspace, createWorkspaceStore, type WorkspaceStore } from './memory-workspace.ts';
import { createPlayedService, type PlayedService } from './played-service.ts';
import { sampleEnvironment, sampleProject } from './sample-project.ts';
import { createScriptedPrompter, type ScriptedPrompter } from './scripted-prompter.ts';

export const ACTOR = 'arn:aws:iam::123456789012:user/developer';

/** One environment of the world, with the handles that a test needs. */
export interface MemoryEnvironment {
  readonly environment: Environment;
  readonly cloud: Cloud;
  readonly bootstrap: BootstrapStore;
  readonly ledger: LedgerStore;
  readonly lock: LockStore;
  readonly secrets: Map<string, StoredSecret>;
  readonly service: PlayedService;
  readonly exec: ExecStore;
  readonly oneOff: OneOffStore;
  readonly logs: LogStore;
  readonly monitoring: MonitoringStore;
  readonly terraform: MemoryTerraform;
  /** Payloads in the ledger, in order. */
  payloads(): readonly LedgerPayload[];
}

export interface MemoryWorld {
  readonly ports: Ports;
  readonly clock: MemoryClock;
  readonly prompter: ScriptedPrompter;
  readonly source: ImageSource;
  readonly workspace: WorkspaceStore;
  readonly events: ProgressEvent[];
  /** Effects of all environments in the order in which they happened. */
  readonly journal: string[];
  /** Tells another one everything that happens from now on. */
  listen(notifier: Notifier): void;
  at(environment: string): MemoryEnvironment;
  /** The first environment. */
  readonly test: MemoryEnvironment;
}

export interface MemoryWorldOptions {
  /** In order; `test` and `prod` when undefined. */
  readonly environments?: readonly Environment[];
  readonly target?: 'aws' | 'local';
}

/** Environment files are in step with the configuration, nothing is bootstrapped. */
export function createMemoryWorld(options: MemoryWorldOptions = {}): MemoryWorld {
  const project = sampleProject(
    options.environments ?? [
      sampleEnvironment('test', 0),
      { ...sampleEnvironment('prod', 1), protected: true },
    ],
  );
  const journal: string[] = [];
  const events: ProgressEvent[] = [];
  const clock = createMemoryClock();
  const prompter = createScriptedPrompter();
  const source = createImageSource();
  const workspace = createWorkspaceStore();
  for (const environment of project.environments)
    workspace.environments.set(environment.name, renderEnvironmentFiles(project, environment));
  const listeners: Notifier[] = [];
  const notifier: Notifier = {
    notify(event) {
      events.push(event);
      for (const listener of listeners) listener.notify(event);
    },
  };
  const parts = { project, clock, journal, notifier, source, target: options.target ?? 'aws' };
  const environments = new Map<string, MemoryEnvironment>();
  for (const environment of project.environments) {
    const repository = environments.values().next().value?.bootstrap;
    environments.set(environment.name, createMemoryEnvironment(environment, repository, parts));
  }
  const at = (name: string): MemoryEnvironment => {
    const found = environments.get(name);
    if (!found) throw new Error(`the memory world has no environment ${name}`);
    return found;
  };
  return {
    clock,
    prompter,
    source,
    workspace,
    events,
    journal,
    listen: (listener) => void listeners.push(listener),
    at,
    test: at(project.environments[0]?.name ?? ''),
    ports: {
      project,
      clock,
      notifier,
      prompter,
      random: createMemoryRandom(),
      workspace: createMemoryWorkspace(workspace),
      cloud: (environment) => at(environment.name).cloud,
    },
  };
}

interface Parts {
  readonly project: Project;
  readonly clock: MemoryClock;
  readonly journal: string[];
  readonly notifier: Notifier;
  readonly source: ImageSource;
  readonly target: 'aws' | 'local';
}

function createMemoryEnvironment(
  environment: Environment,
  repository: BootstrapStore | undefined,
  { project, clock, journal, notifier, source, target }: Parts,
): MemoryEnvironment {
  const bootstrap: BootstrapStore = { bucket: 'absent', table: 'absent', repository: 'absent' };
  const ledger: LedgerStore = new Map();
  const lock: LockStore = { holder: undefined };
  const secrets = new Map<string, StoredSecret>();
  const service = createPlayedService(journal);
  const exec = createExecStore();
  const oneOff = createOneOffStore();
  const logs = createLogStore();
  const monitoring = createMonitoringStore();
  const terraform = createMemoryTerraform({ journal, notifier, service });
  const random = createMemoryRandom('lock');
  const cloud: Cloud = {
    whoami: async () => ({
      kind: target,
      account: '123456789012',
      region: project.region,
      identity: ACTOR,
      endpoint: target === 'local' ? 'http://127.0.0.1:4566' : undefined,
    }),
    bootstrap: createMemoryBootstrap(bootstrap, environment.name),
    secrets: createMemorySecrets({ store: secrets, clock }),
    service,
    exec: createMemoryExec(exec),
    oneOff: createMemoryOneOff(oneOff),
    logs: createMemoryLogs(logs),
    monitoring: createMemoryMonitoring(monitoring),
    terraform,
    ledger: journalled(createMemoryLedger({ store: ledger, clock, actor: ACTOR }), journal),
    lock: journalledLock(
      createMemoryLock({ store: lock, environment: environment.name, clock, random, actor: ACTOR }),
      journal,
    ),
    images: createMemoryImages(source, repository ?? bootstrap, journal),
  };
  return {
    environment,
    cloud,
    bootstrap,
    ledger,
    lock,
    secrets,
    service,
    exec,
    oneOff,
    logs,
    monitoring,
    terraform,
    payloads: () => [...ledger.values()].map((event: LedgerEvent) => event.payload),
  };
}

function journalled(ledger: LedgerPort, journal: string[]): LedgerPort {
  return {
    ...ledger,
    async append(last, payload) {
      const event = await ledger.append(last, payload);
      journal.push(`ledger ${payload.type}`);
      return event;
    },
  };
}

function journalledLock(lock: LockPort, journal: string[]): LockPort {
  return {
    ...lock,
    async acquire(operation) {
      const held = await lock.acquire(operation);
      journal.push(`lock (${operation})`);
      return {
        info: held.info,
        lost: held.lost,
        async release() {
          await held.release();
          journal.push('unlock');
        },
      };
    },
  };
}
