/** The library that the command line and the console's server are thin shells over: one function for each verb. */
export type {
  LentTerminal,
  LocalAws,
  LocalAwsPort,
  LocalAwsStatus,
  LocalDriver,
  Notifier,
  Ports,
  Prompter,
  StackComponent,
  StackEvent,
  StackPort,
  StackReload,
  StackRunner,
  StackStartOptions,
  StackStatus,
} from '../ports.ts';
export { applyConfiguration } from './apply.ts';
export { type BootstrapResult, bootstrap } from './bootstrap.ts';
export { type BuiltRelease, build } from './build.ts';
export { type DeployOptions, deploy, deploySeveral } from './deploy.ts';
export { type DestroyResult, destroy } from './destroy.ts';
export { type ExecResult, exec } from './exec.ts';
export { type HistoryEntry, type HistoryResult, history } from './history.ts';
export { describeHolder, type UnlockResult, unlock } from './lock.ts';
export { DEFAULT_LOG_LIMIT, logs } from './logs.ts';
export { type MetricsResult, metrics } from './metrics.ts';
export { type PlanResult, plan } from './plan.ts';
export { approve, type PromotionResult, promote, reject } from './promote.ts';
export { rollback } from './rollback.ts';
export { type RunResult, run } from './run.ts';
export type { DeployResult } from './run-deployment.ts';
export { listSecrets, setSecret } from './secrets.ts';
export { selectEnvironment } from './select-environment.ts';
export { type Outcome, selectSeveral, sideBySide } from './side-by-side.ts';
export { stage } from './stage.ts';
export { type EnvironmentStatus, status } from './status.ts';
export { sync } from './sync.ts';
