/** How the service of a project is run from its source. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { resolveProject } from '../../config/resolve-project.ts';
import { loadDevService } from './dev-service.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'dev-service-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const load = (service: object) =>
  loadDevService(
    resolveProject({
      project: 'shop',
      application: 'web',
      owner: 'team',
      environments: [{ name: 'test', cidr: '10.1.0.0/16' }],
      service: { source: '.', dockerfile: 'Dockerfile', secrets: ['app-secret'], ...service },
    }),
    root,
  );

it('is what the configuration says', async () => {
  const dev = { command: ['flask', 'run', '--port', '{port}'], environment: { FLASK_DEBUG: '1' } };
  expect(await load({ dev, environment: { GREETING: 'hi' }, port: 8080 })).toEqual({
    name: 'web',
    folder: root,
    port: 8080,
    healthPath: '/readyz',
    build: undefined,
    command: ['flask', 'run', '--port', '{port}'],
    environment: { GREETING: 'hi', FLASK_DEBUG: '1' },
    secrets: ['APP_SECRET'],
  });
});

it('is the bundle, run as the image, where the configuration says nothing', async () => {
  writeFileSync(join(root, 'Dockerfile'), 'FROM x\nENTRYPOINT ["node"]\nCMD ["dist/server.js"]\n');
  expect(await load({ bundle: { command: ['make'] } })).toMatchObject({
    build: ['make'],
    command: ['node', 'dist/server.js'],
  });
});

it('is refused where there is no source', async () => {
  await expect(load({ source: 'src', dev: { command: ['make'] } })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: `There is no source folder ${join(root, 'src')}.`,
  });
});

it('has nothing to build where the bundle has no command', async () => {
  writeFileSync(join(root, 'Dockerfile'), 'FROM x\nCMD ["gunicorn"]\n');
  expect((await load({ bundle: { command: [] } })).build).toBeUndefined();
});

it.each([undefined, 'FROM x\n'])(
  'is refused with what to write where nothing says it: %j',
  async (dockerfile) => {
    if (dockerfile !== undefined) writeFileSync(join(root, 'Dockerfile'), dockerfile);
    await expect(load({})).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      hint: expect.stringContaining('dev: { command:'),
    });
  },
);
