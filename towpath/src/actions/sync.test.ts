/** `sync` on a workspace in memory: what is written, what is only reported. */
import { describe, expect, it } from 'vitest';
import { resolveProject } from '../config/resolve-project.ts';
import { type EnvironmentFiles, renderEnvironmentFiles } from '../domain/environment-files.ts';
import type { ProgressEvent } from '../domain/progress.ts';
import type { WorkspacePort } from '../ports.ts';
import { assertInSync, sync } from './sync.ts';

const project = resolveProject({
  project: 'shop',
  owner: 'us',
  environments: [
    { name: 'test', cidr: '10.1.0.0/16' },
    { name: 'live', cidr: '10.2.0.0/16' },
  ],
});

function setUp() {
  const folders = new Map<string, Partial<EnvironmentFiles>>();
  const events: ProgressEvent[] = [];
  const workspace: WorkspacePort = {
    readEnvironmentFiles: async (environment) => folders.get(environment) ?? {},
    writeEnvironmentFiles: async (environment, files) => {
      folders.set(environment, files);
    },
    strayEnvironments: async (names) => [...folders.keys()].filter((name) => !names.includes(name)),
    terraformTree: async () => [],
    sourceCommit: async () => 'none',
  };
  const ports = { project, workspace, notifier: { notify: (event: ProgressEvent) => events.push(event) } };
  return { folders, events, ports };
}

const ALL = ['test', 'live'].flatMap((name) => [
  `infra/envs/${name}/backend.hcl`,
  `infra/envs/${name}/terraform.tfvars.json`,
]);

describe('sync', () => {
  it('writes every environment, and the second time nothing', async () => {
    const { folders, ports } = setUp();
    expect(await sync(ports, { check: false })).toEqual({ written: ALL, stale: ALL, stray: [] });
    for (const environment of project.environments) {
      expect(folders.get(environment.name)).toEqual(renderEnvironmentFiles(project, environment));
    }
    expect(await sync(ports, { check: false })).toEqual({ written: [], stale: [], stray: [] });
  });

  it('with check writes nothing and names what is stale', async () => {
    const { folders, ports } = setUp();
    expect(await sync(ports, { check: true })).toEqual({ written: [], stale: ALL, stray: [] });
    expect(folders.size).toBe(0);
    await sync(ports, { check: false });
    folders.set('live', { ...folders.get('live'), 'backend.hcl': 'edited' });
    expect((await sync(ports, { check: true })).stale).toEqual(['infra/envs/live/backend.hcl']);
  });

  it('reports a folder that no environment owns, and leaves it', async () => {
    const { folders, events, ports } = setUp();
    folders.set('old', {});
    expect((await sync(ports, { check: false })).stray).toEqual(['infra/envs/old']);
    expect(folders.has('old')).toBe(true);
    expect(events).toMatchObject([{ type: 'warning', text: expect.stringContaining('infra/envs/old') }]);
  });
});

describe('assertInSync', () => {
  it('passes what is in sync and names what is not', async () => {
    const { folders, ports } = setUp();
    await sync(ports, { check: false });
    const [test, live] = project.environments;
    if (!test || !live) throw new Error('two environments expected');
    folders.delete('live');
    await expect(assertInSync(ports, test)).resolves.toBeUndefined();
    await expect(assertInSync(ports, live)).rejects.toMatchObject({
      code: 'ENVIRONMENT_FILES_STALE',
      hint: 'towpath sync',
      problems: [{ path: 'infra/envs/live/backend.hcl' }, { path: 'infra/envs/live/terraform.tfvars.json' }],
    });
  });
});
