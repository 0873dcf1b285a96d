/**
 * The state of an apply that Terraform could not save (its credentials had expired, AWS did not answer). Terraform
 * leaves it as `errored.tfstate` in the folder that all environments share; here it is kept with its environment, and
 * pushed before the next plan: without it the plan would not know what the apply has made.
 */
import { rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { TowpathError } from '../../domain/errors.ts';
import type { Notifier } from '../../ports.ts';

export interface UnsavedState {
  /** Takes what an apply that began at `sinceMs` (epoch) left. @returns where it is now; undefined when nothing was left */
  keep(sinceMs: number): Promise<string | undefined>;
  /** Saves what was kept. @throws {TowpathError} when it can't be saved now; it stays kept then */
  save(): Promise<void>;
}

export interface UnsavedStateOptions {
  /** The project's `infra/` folder, in which Terraform runs. */
  readonly infra: string;
  readonly environment: string;
  /** Private to one environment and target. */
  readonly dataDir: string;
  readonly notifier: Notifier;
  /** Runs `terraform state push`; throws what it failed with. */
  readonly push: (file: string) => Promise<void>;
}

/** Terraform's words for a state that was saved by another run since. They have no code. */
const OVERTAKEN = /serial \d+ over|newer|lineage/i;

export function createUnsavedState(options: UnsavedStateOptions): UnsavedState {
  const left = join(options.infra, 'errored.tfstate');
  const kept = join(options.dataDir, 'unsaved.tfstate');
  return {
    async keep(sinceMs) {
      // One that lay there before is not ours to move.
      if ((await modifiedAt(left)) < sinceMs) return undefined;
      await rename(left, kept);
      return kept;
    },
    async save() {
      if (!Number.isFinite(await modifiedAt(kept))) return;
      const note = (text: string) => options.notifier.notify({ type: 'note', text });
      try {
        await options.push(kept);
        await rm(kept, { force: true });
        note(`the state that an earlier apply of ${options.environment} could not save is saved now`);
      } catch (error) {
        if (!isOvertaken(error)) throw error;
        const aside = join(options.dataDir, `overtaken-${Date.now()}.tfstate`);
        await rename(kept, aside);
        note(
          `${options.environment} has a newer state than the one that an earlier apply could not save, which was put aside as ${aside}`,
        );
      }
    },
  };
}

function isOvertaken(error: unknown): boolean {
  if (!(error instanceof TowpathError) || error.code !== 'TERRAFORM_FAILED') return false;
  return OVERTAKEN.test([error.message, ...error.context].join('\n'));
}

/** Milliseconds since the epoch; negative infinity where there is no file. */
async function modifiedAt(file: string): Promise<number> {
  return stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => Number.NEGATIVE_INFINITY,
  );
}
