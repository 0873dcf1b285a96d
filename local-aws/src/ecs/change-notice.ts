/**
 * Tells listeners that the store changed, at most once for each tick of the scheduler.
 */
import type { Store } from './store.ts';

/** Listeners at once; more is a leak. */
const MAX_LISTENERS = 16;

export interface ChangeNotice {
  /** @returns ends it */
  listen(listener: () => void): () => void;
  /** Asks the store whether it changed since the last call. */
  tell(): void;
}

export function createChangeNotice(store: Pick<Store, 'version'>, log: (line: string) => void): ChangeNotice {
  const listeners = new Set<() => void>();
  let told = store.version();
  return {
    listen(listener) {
      if (listeners.size >= MAX_LISTENERS)
        throw new Error(`more than ${MAX_LISTENERS} listeners for changes of ECS`);
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    tell() {
      if (store.version() === told) return;
      told = store.version();
      for (const listener of listeners) {
        try {
          listener();
        } catch (error) {
          log(`a listener for changes of ECS: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
    },
  };
}
