/** Files of a project in memory. */
import type { EnvironmentFiles } from '../../src/domain/environment-files.ts';
import type { WorkspacePort } from '../../src/ports.ts';

export interface WorkspaceStore {
  /** Contents of `infra/envs`, by folder. */
  readonly environments: Map<string, Partial<EnvironmentFiles>>;
  tree: readonly { readonly path: string; readonly content: string }[];
  commit: string;
}

export function createWorkspaceStore(): WorkspaceStore {
  return {
    environments: new Map(),
    tree: [{ path: 'infra/main.tf', content: 'module "network" {}' }],
    commit: 'c'.repeat(40),
  };
}

export function createMemoryWorkspace(store: WorkspaceStore): WorkspacePort {
  return {
    readEnvironmentFiles: async (environment) => store.environments.get(environment) ?? {},
    writeEnvironmentFiles: async (environment, files) => {
      store.environments.set(environment, files);
    },
    strayEnvironments: async (names) => [...store.environments.keys()].filter((it) => !names.includes(it)),
    terraformTree: async () => store.tree,
    sourceCommit: async () => store.commit,
  };
}
