/** Holding an environment while it is changed, and freeing one whose holder is gone. */
import { TowpathError } from '../domain/errors.ts';
import { foldLedger } from '../domain/ledger.ts';
import type { ProgressEvent } from '../domain/progress.ts';
import type { Cloud, LockInfo, Ports, StateLock } from '../ports.ts';
import { enter } from './select-environment.ts';
import { describeProgress, findUnfinished } from './unfinished-work.ts';

/** Terraform takes up to minutes to stop; without a word people interrupt it again, and that breaks it off. */
const INTERRUPTED: ProgressEvent = {
  type: 'warning',
  text: 'interrupted: what is under way comes to its end, and Terraform saves its state',
  hint: 'a second Ctrl-C leaves at once, with work half done; what to do then: towpath status',
};

/**
 * Runs `work` as the only one to change this environment. The lock is given back however it ends.
 * `work` gets a signal that is aborted with `stop`, and once others may hold the environment (`LOCK_LOST`): it starts
 * nothing more then.
 */
export async function withLock<T>(
  { notifier }: Pick<Ports, 'notifier'>,
  cloud: Cloud,
  operation: string,
  stop: AbortSignal,
  work: (stop: AbortSignal) => Promise<T>,
): Promise<T> {
  const held = await cloud.lock.acquire(operation);
  const acknowledge = () => notifier.notify(INTERRUPTED);
  // A signal of our own: many environments side by side share `stop`, and Node warns of eleven listeners.
  const interrupted = AbortSignal.any([stop]);
  interrupted.addEventListener('abort', acknowledge, { once: true });
  let result: T;
  try {
    result = await work(AbortSignal.any([stop, held.lost]));
  } catch (error) {
    // A lock that can't be given back must not hide why the work failed; `unlock` finds its holder dead.
    await held.release().catch(() => undefined);
    // What was interrupted because the lock was lost failed for that reason.
    throw held.lost.aborted ? held.lost.reason : error;
  } finally {
    interrupted.removeEventListener('abort', acknowledge);
  }
  await held.release();
  return result;
}

export interface UnlockResult {
  readonly holder: (LockInfo & { readonly liveness: 'alive' | 'dead' | 'unknown' }) | undefined;
  readonly stateLock: StateLock | undefined;
  readonly freed: readonly ('environment lock' | 'state lock')[];
  /** How far the holder had come, as far as the ledger tells; undefined when there was none. */
  readonly progress: string | undefined;
  /** What to do about the work that it left; undefined when there is nothing to be done. */
  readonly next: string | undefined;
}

/** Frees both locks of an environment, unless the holder lives (or may) and `force` is not given. */
export async function unlock(
  ports: Ports,
  environmentName: string,
  options: { readonly force: boolean },
): Promise<UnlockResult> {
  const { environment, cloud } = await enter(ports, environmentName);
  const found = await cloud.lock.inspect();
  const holder = found && { ...found.holder, liveness: found.liveness };
  if (holder && holder.liveness !== 'dead' && !options.force) {
    const certainty =
      holder.liveness === 'alive' ? 'is alive' : 'may still be at work (it runs on another computer)';
    throw new TowpathError(
      'LOCK_HOLDER_ALIVE',
      `${describeHolder(holder)} ${certainty}; nothing was freed.`,
      {
        hint: `wait for it, end it, or towpath unlock ${environment.name} --force`,
      },
    );
  }
  const stateLock = await cloud.terraform.stateLock();
  if (stateLock?.runningPid !== undefined && !options.force) {
    throw new TowpathError(
      'LOCK_HOLDER_ALIVE',
      `Terraform (pid ${stateLock.runningPid}) of the command that ended is still finishing its work; it gives its lock back by itself.`,
      { hint: `try again in a minute, or towpath unlock ${environment.name} --force` },
    );
  }
  const freed: ('environment lock' | 'state lock')[] = [];
  if (stateLock) {
    await cloud.terraform.init();
    await cloud.terraform.forceUnlock(stateLock.id);
    freed.push('state lock');
  }
  if (holder) {
    await cloud.lock.break(holder.id);
    freed.push('environment lock');
  }
  return { holder, stateLock, freed, ...(await findLeftWork(environment.name, cloud, holder)) };
}

async function findLeftWork(
  environment: string,
  cloud: Cloud,
  holder: LockInfo | undefined,
): Promise<Pick<UnlockResult, 'progress' | 'next'>> {
  try {
    const ledger = foldLedger((await cloud.bootstrap.exists()) ? await cloud.ledger.load() : []);
    const progress = holder && describeProgress(ledger, holder);
    return { progress, next: findUnfinished(environment, ledger, undefined)?.next };
  } catch (error) {
    if (!(error instanceof TowpathError)) throw error;
    // The locks are free, whatever can be said about the work.
    return { progress: `its work can't be told: ${error.message}`, next: error.hint };
  }
}

export function describeHolder(holder: LockInfo): string {
  return `${holder.operation} by ${holder.actor} (pid ${holder.pid} on ${holder.host}, since ${holder.since})`;
}
