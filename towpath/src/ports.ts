/**
 * Every outside effect of Towpath, on one page. Actions use these; adapters implement them;
 * tests replace them. A port throws `TowpathError` for what a user can act on.
 */

import type { AlarmView } from './domain/alarm.ts';
import type { EnvironmentFiles } from './domain/environment-files.ts';
import type { ExecTask } from './domain/exec-task.ts';
import type { ServiceSettings } from './domain/explanation.ts';
import type { LedgerEvent, LedgerPayload } from './domain/ledger.ts';
import type { LogPage, LogQuery, LogStreamView } from './domain/log-event.ts';
import type { MetricPoint, MetricQuery, MetricWindow } from './domain/metric.ts';
import type { PlanSummary } from './domain/plan.ts';
import type { ProgressEvent } from './domain/progress.ts';
import type { Environment, Project, ServiceConfig } from './domain/project.ts';
import type { ServiceSnapshot } from './domain/rollout.ts';
import type { Secret } from './domain/secret.ts';

export type * from './local-aws-port.ts';
export type * from './stack-port.ts';

export interface Clock {
  now(): Date;
  /** Rejects with the signal's reason when aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Everything a person or a machine is told while an action runs goes through here. */
export interface Notifier {
  notify(event: ProgressEvent): void;
}

/** Questions; on something that is no terminal they answer undefined at once. */
export interface Prompter {
  secret(question: string): Promise<Secret | undefined>;
  confirm(question: string): Promise<boolean | undefined>;
}

export interface Random {
  /** A secret of `bytes` random bytes, base64url. */
  secret(bytes: number): Secret;
  /** Short unique id, for deployments and locks. */
  id(): string;
}

/** Where commands go. */
export interface TargetInfo {
  readonly kind: 'aws' | 'local';
  readonly account: string;
  readonly region: string;
  /** STS ARN of the caller. */
  readonly identity: string;
  readonly endpoint: string | undefined;
}

/** One environment's AWS account: all calls are made with that environment's credentials. */
export interface Cloud {
  whoami(): Promise<TargetInfo>;
  readonly bootstrap: BootstrapPort;
  readonly secrets: SecretsPort;
  readonly service: ServicePort;
  readonly exec: ExecPort;
  readonly oneOff: OneOffPort;
  readonly logs: LogsPort;
  readonly monitoring: MonitoringPort;
  readonly ledger: LedgerPort;
  readonly lock: LockPort;
  readonly terraform: TerraformPort;
  readonly images: ImagePort;
}

/** What stands before Terraform; every method makes the thing right, however it was, and says what it did. */
export interface BootstrapPort {
  /** Whether state bucket and lock table exist and are ours. */
  exists(): Promise<boolean>;
  ensureStateBucket(): Promise<'created' | 'updated'>;
  ensureLockTable(): Promise<'created' | 'present'>;
  ensureRepository(): Promise<'created' | 'updated'>;
}

export interface SecretEntry {
  readonly name: string;
  readonly present: boolean;
  readonly version: number | undefined;
  readonly modifiedAt: string | undefined;
}

export interface SecretsPort {
  list(names: readonly string[]): Promise<readonly SecretEntry[]>;
  /** @returns the version after the write */
  set(name: string, value: Secret): Promise<number>;
  /** Values of those that exist. */
  read(names: readonly string[]): Promise<ReadonlyMap<string, Secret>>;
  /** Removes those that exist. */
  remove(names: readonly string[]): Promise<void>;
}

export interface ServicePort {
  /** One look at the service; undefined when there is none. */
  snapshot(): Promise<ServiceSnapshot | undefined>;
  /** What the configuration in AWS says, for the explanation of a failure. @param taskDefinition ARN or family */
  settings(taskDefinition: string): Promise<ServiceSettings>;
  /** Last log lines of a task, oldest first. */
  taskLog(taskId: string, lines: number): Promise<readonly string[]>;
  /** GET through the load balancer. Never throws: `status` is undefined when nothing answered. */
  probe(
    url: string,
    timeoutMs: number,
  ): Promise<{ readonly status: number | undefined; readonly detail: string }>;
  /** Makes ECS start the tasks of the service as it is once more. */
  startAnew(): Promise<void>;
  /** Removes a load balancer's deletion protection, so that a destroy that was allowed can go on. */
  disableDeletionProtection(): Promise<void>;
  /**
   * Retires task definitions of the service that are in no Terraform state: a run that was killed between making
   * one and saving its state leaves it behind. @returns how many
   */
  retireTaskDefinitions(): Promise<number>;
}

/** Where a remote command's input comes from and its output goes. */
export interface CommandTerminal {
  /** undefined: the command gets none. */
  readonly input: AsyncIterable<Uint8Array> | undefined;
  /** A promise when there is no room for more until it resolves. */
  write(bytes: Uint8Array): Promise<void> | undefined;
  /** undefined where there is no window. */
  size(): { readonly columns: number; readonly rows: number } | undefined;
  /** @returns a function that stops listening */
  onResize(listener: () => void): () => void;
}

/** The terminal of this process while a remote command has it. */
export interface LentTerminal extends CommandTerminal {
  /** Gives it back as it was. Idempotent. */
  close(): void;
}

export interface CommandEnd {
  /** Where the session itself tells it. */
  readonly exitCode: number | undefined;
  /** Why the session was ended, when not by the command's own end. */
  readonly reason: string | undefined;
}

export interface ExecPort {
  /** Tasks of the service that are to run; none when there is no service. */
  tasks(): Promise<readonly ExecTask[]>;
  /**
   * Runs a command line (words and quotes; no shell) in a task and carries its bytes. `EXEC_FAILED` when there is no
   * session to be had or its connection breaks; rejects with the signal's reason when aborted, and ends the command.
   */
  run(taskId: string, command: string, terminal: CommandTerminal, signal?: AbortSignal): Promise<CommandEnd>;
}

/** A task that runs one command and ends. */
export interface OneOffLook {
  /** AWS's lastStatus. */
  readonly status: string;
  readonly exitCode: number | undefined;
  readonly reason: string | undefined;
}

export interface OneOffPort {
  /** Starts a task with the service's definition and network. @returns its id; undefined when there is no service */
  start(command: readonly string[]): Promise<string | undefined>;
  /** undefined when ECS does not know it (any more). */
  look(taskId: string): Promise<OneOffLook | undefined>;
  /** Lines after the cursor that an earlier call gave, oldest first; none while there is no log. */
  log(
    taskId: string,
    cursor: string | undefined,
  ): Promise<{ readonly lines: readonly string[]; readonly cursor: string | undefined }>;
  /** Says nothing of a task that has ended. */
  stop(taskId: string, reason: string): Promise<void>;
}

/** What the tasks of an environment wrote, those of the service and those that ran one command. */
export interface LogsPort {
  /**
   * A page of lines, in no certain order. undefined where there is no log; rejects when aborted.
   * @param cursor of the page before, of the same query
   */
  read(query: LogQuery, cursor?: string, signal?: AbortSignal): Promise<LogPage | undefined>;
  /** Those that were written to last come first; the last thousand. None where there is no log. */
  streams(): Promise<readonly LogStreamView[]>;
}

export interface MonitoringPort {
  /** Points of each metric by its id, oldest first, in the metric's own unit; none where nothing was measured. */
  series(
    metrics: readonly MetricQuery[],
    window: MetricWindow,
  ): Promise<ReadonlyMap<string, readonly MetricPoint[]>>;
  /** Alarms of the environment that ring now, by name. */
  alarms(): Promise<readonly AlarmView[]>;
}

export interface LedgerPort {
  /** All events in order; a chain that does not hold is a `LEDGER_CORRUPT` error. */
  load(): Promise<readonly LedgerEvent[]>;
  /** Writes the event after `last`; `LEDGER_RACE` when someone else did first. */
  append(last: LedgerEvent | undefined, payload: LedgerPayload): Promise<LedgerEvent>;
  /** Reads every object anew and proves the chain. What does not hold is part of the answer, not an error. */
  audit(): Promise<LedgerAudit>;
}

export interface LedgerAudit {
  /** Those that could be read, in the order of their keys. */
  readonly events: readonly LedgerEvent[];
  /** Each object that was changed, removed, reordered or that breaks the chain; empty when the ledger holds. */
  readonly problems: readonly LedgerFinding[];
  /** What is out of order but takes nothing from the ledger's truth. */
  readonly notes: readonly LedgerFinding[];
}

export interface LedgerFinding {
  /** Address of the object, such as `s3://bucket/ledger/00000042.json`. */
  readonly object: string;
  readonly message: string;
}

/** Who holds an environment. */
export interface LockInfo {
  readonly id: string;
  readonly operation: string;
  readonly actor: string;
  readonly host: string;
  readonly pid: number;
  readonly since: string;
  readonly renewedAt: string;
}

export interface LockPort {
  /** `LOCK_HELD` (who, since when) when another holds it. The holder renews it until released. */
  acquire(operation: string): Promise<HeldLock>;
  inspect(): Promise<
    { readonly holder: LockInfo; readonly liveness: 'alive' | 'dead' | 'unknown' } | undefined
  >;
  /** Frees the lock with this id, whoever holds it. */
  break(id: string): Promise<void>;
}

export interface HeldLock {
  readonly info: LockInfo;
  /**
   * Aborted, with a `LOCK_LOST` error as its reason, when the environment may be somebody else's by now:
   * the lock was broken, or could not be renewed for as long as others take to call it stale.
   */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

export interface TerraformVariables {
  readonly image: string;
  /** Passed through the child's environment only. */
  readonly secrets: ReadonlyMap<string, Secret>;
}

/** Lock of Terraform itself, left behind by a killed run. */
export interface StateLock {
  readonly id: string;
  readonly who: string;
  readonly operation: string;
  readonly created: string;
  /** A Terraform run of ours on this computer that is still at work, if any. */
  readonly runningPid?: number | undefined;
}

export interface TerraformPort {
  init(signal?: AbortSignal): Promise<void>;
  /** Makes a saved plan. Never prints; progress goes to the notifier. */
  plan(
    variables: TerraformVariables,
    options?: {
      readonly destroy?: boolean;
      readonly signal?: AbortSignal | undefined;
      /** Taken into the state by the plan; what is there already is passed over. @throws RESOURCE_EXISTS for what is not ours */
      readonly takeOver?: readonly ExistingResource[];
    },
  ): Promise<SavedPlan>;
  /** Human-readable rendering of a saved plan. */
  show(plan: SavedPlan): Promise<string>;
  /** @throws RESOURCE_EXISTS, with addresses as its problems, when all that is wrong is what exists already */
  apply(plan: SavedPlan, variables: TerraformVariables, signal?: AbortSignal): Promise<AppliedPlan>;
  /** Of resources that a plan creates, those that AWS has already. */
  findExisting(plan: SavedPlan, addresses: readonly string[]): Promise<readonly ExistingResource[]>;
  /** Takes off the mark that makes a plan replace resources, and ends their creation. @param addresses as the plan names them */
  untaint(plan: SavedPlan, addresses: readonly string[], signal?: AbortSignal): Promise<void>;
  stateLock(): Promise<StateLock | undefined>;
  forceUnlock(id: string): Promise<void>;
}

/** A resource that AWS has and the state does not know. */
export interface ExistingResource {
  readonly address: string;
  /** By what `terraform import` knows it. */
  readonly id: string;
}

export interface AppliedPlan {
  /** What the service was asked to run, with revision; undefined when the tree's outputs do not say. */
  readonly taskDefinition: string | undefined;
}

export interface SavedPlan {
  readonly file: string;
  readonly summary: PlanSummary;
}

export interface ImagePort {
  /** URI of the project's repository, as task definitions name it; undefined before bootstrap. */
  repositoryUri(): Promise<string | undefined>;
  /** Builds the image from the source and pushes it; the same source gives the same digest. */
  build(service: ServiceConfig): Promise<{ readonly digest: string; readonly pushed: boolean }>;
  exists(digest: string): Promise<boolean>;
}

/** Files of the project on this computer. */
export interface WorkspacePort {
  readEnvironmentFiles(environment: string): Promise<Partial<EnvironmentFiles>>;
  writeEnvironmentFiles(environment: string, files: EnvironmentFiles): Promise<void>;
  /** Directories in `infra/envs` that no environment of the configuration owns. */
  strayEnvironments(names: readonly string[]): Promise<readonly string[]>;
  /** `*.tf` under `infra/` and the provider lock file where git tracks it. */
  terraformTree(): Promise<readonly { readonly path: string; readonly content: string }[]>;
  /** Commit of the source, `-dirty` when changed; `none` outside git. */
  sourceCommit(): Promise<string>;
}

/** What an action may use. `cloud` gives the account of one environment. */
export interface Ports {
  readonly project: Project;
  readonly clock: Clock;
  readonly notifier: Notifier;
  readonly prompter: Prompter;
  readonly random: Random;
  readonly workspace: WorkspacePort;
  cloud(environment: Environment): Cloud;
}
