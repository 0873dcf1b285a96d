/** Builds without an engine, from real folders and real commands. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { extract } from 'tar-stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryClock } from '../../../test/fakes/memory-clock.ts';
import { sampleService } from '../../../test/fakes/sample-project.ts';
import { runBuildCommand } from './build-command.ts';
import { buildBundleImage, createBundleBuilder } from './bundle-builder.ts';
import { startRegistryFixture } from './registry-fixture.ts';

/** Makes `dist/` as a bundler does: from the source, with new files each time. */
const BUILD = `
const fs = require('node:fs');
fs.rmSync('dist', { recursive: true, force: true });
fs.mkdirSync('dist/assets', { recursive: true });
fs.writeFileSync('dist/server.js', fs.readFileSync('main.js'));
fs.writeFileSync('dist/assets/a.txt', 'a');
`;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'towpath-test-'));
  makeSource(root, ['main.js', 'package.json', 'build.cjs']);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function makeSource(folder: string, order: readonly string[]): void {
  const files: Record<string, string> = {
    'main.js': 'serve()',
    'package.json': '{"type":"module"}',
    'build.cjs': BUILD,
  };
  mkdirSync(join(folder, 'app'));
  for (const name of order) writeFileSync(join(folder, 'app', name), files[name] ?? '');
  writeFileSync(
    join(folder, 'app/Dockerfile'),
    'FROM node:20-slim\nWORKDIR /srv/app\nCMD ["node", "dist/server.js"]\n',
  );
}

const service = (bundle: Partial<typeof sampleService.bundle> = {}) => ({
  ...sampleService,
  bundle: { command: ['node', 'build.cjs'], files: ['dist', 'package.json'], ...bundle },
});

const digestOf = async (folder = root, files?: readonly string[]) =>
  (await buildBundleImage(service(files === undefined ? {} : { files }), folder)).manifest.digest;

async function entriesOf(files: readonly string[]) {
  const image = await buildBundleImage(service({ files }), root);
  const reader = extract();
  reader.end(image.blobs[1]?.bytes);
  const entries: [string, string, string, string][] = [];
  for await (const entry of reader) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    const { name, type, mode, mtime, uid, gid } = entry.header;
    expect([mtime?.getTime(), uid, gid]).toEqual([0, 0, 0]);
    entries.push([
      name,
      type ?? '',
      (mode ?? 0).toString(8),
      Buffer.concat(chunks).toString() || (entry.header.linkname ?? ''),
    ]);
  }
  return entries;
}

describe('the digest', () => {
  it('is the same for the same source, whenever, wherever and in whatever order it was written', async () => {
    const first = await digestOf();
    utimesSync(join(root, 'app/package.json'), 1, 1);
    chmodSync(join(root, 'app/package.json'), 0o600);
    expect(await digestOf()).toBe(first);
    expect(await digestOf(root, ['package.json', 'dist'])).toBe(first);
    const elsewhere = mkdtempSync(join(tmpdir(), 'towpath-test-'));
    try {
      makeSource(elsewhere, ['build.cjs', 'package.json', 'main.js']);
      expect(await digestOf(elsewhere)).toBe(first);
    } finally {
      rmSync(elsewhere, { recursive: true, force: true });
    }
  });

  it('needs no command where there is nothing to build, and leaves out what Python left there', async () => {
    const build = async () =>
      (await buildBundleImage(service({ command: [], files: ['service'] }), root)).manifest.digest;
    mkdirSync(join(root, 'app/service'));
    writeFileSync(join(root, 'app/service/app.py'), 'serve()');
    const before = await build();
    mkdirSync(join(root, 'app/service/__pycache__'));
    writeFileSync(join(root, 'app/service/__pycache__/app.cpython-311.pyc'), String(Date.now()));
    expect(await build()).toBe(before);
  });

  it.each([
    ['a file', () => writeFileSync(join(root, 'app/main.js'), 'serve(2)')],
    ['the right to run it', () => chmodSync(join(root, 'app/package.json'), 0o755)],
    [
      'how it is run',
      () => writeFileSync(join(root, 'app/Dockerfile'), 'FROM x\nWORKDIR /srv/app\nCMD ["other"]\n'),
    ],
    [
      'where it lies',
      () =>
        writeFileSync(
          join(root, 'app/Dockerfile'),
          'FROM x\nWORKDIR /other\nCMD ["node", "dist/server.js"]\n',
        ),
    ],
  ])('changes with %s', async (_what, change) => {
    const before = await digestOf();
    change();
    expect(await digestOf()).not.toBe(before);
  });
});

describe('the layer', () => {
  it('holds the files below the working directory, folders first, without a trace of this computer', async () => {
    symlinkSync('package.json', join(root, 'app/link.json'));
    expect(await entriesOf(['package.json', 'dist', 'link.json'])).toEqual([
      ['srv', 'directory', '755', ''],
      ['srv/app', 'directory', '755', ''],
      ['srv/app/dist', 'directory', '755', ''],
      ['srv/app/dist/assets', 'directory', '755', ''],
      ['srv/app/dist/assets/a.txt', 'file', '644', 'a'],
      ['srv/app/dist/server.js', 'file', '644', 'serve()'],
      ['srv/app/link.json', 'symlink', '755', 'package.json'],
      ['srv/app/package.json', 'file', '644', '{"type":"module"}'],
    ]);
  });

  it('holds folders above files that were named one by one', async () => {
    const names = (await entriesOf(['dist/assets/a.txt'])).map(([name]) => name);
    expect(names).toEqual([
      'srv',
      'srv/app',
      'srv/app/dist',
      'srv/app/dist/assets',
      'srv/app/dist/assets/a.txt',
    ]);
  });
});

describe('a failure', () => {
  it('of the command shows its last lines', async () => {
    const command = [
      'node',
      '-e',
      'for (let i = 0; i < 100; i += 1) console.log("line " + i); console.error("boom"); process.exit(3)',
    ];
    const error = await buildBundleImage(service({ command }), root).catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'BUILD_FAILED', message: expect.stringContaining('exit code 3') });
    const { context } = error as { context: string[] };
    expect(context).toHaveLength(40);
    expect(context).toContain('boom');
    expect(context).toContain('line 99');
  });

  it.each([
    ['a command that is not installed', { command: ['no-such-command'] }, /ENOENT.*no-such-command/],
    [
      'a file that the command did not make',
      { files: ['dist', 'missing.txt'] },
      /missing\.txt is not there after the build/,
    ],
    ['a file outside of the source', { files: ['../secret'] }, /\.\.\/secret lies outside/],
  ])('says %s', async (_what, bundle, message) => {
    const failure = { code: 'BUILD_FAILED', message: expect.stringMatching(message) };
    await expect(buildBundleImage(service(bundle), root)).rejects.toMatchObject(failure);
  });

  it('says a link that leads out of the bundle', async () => {
    symlinkSync('../../elsewhere', join(root, 'app/escape'));
    const failure = {
      code: 'BUILD_FAILED',
      message: expect.stringMatching(/escape is a link to \.\.\/\.\.\/elsewhere/),
    };
    await expect(buildBundleImage(service({ files: ['escape'] }), root)).rejects.toMatchObject(failure);
  });

  it.each([
    ['no Dockerfile', () => rmSync(join(root, 'app/Dockerfile')), /ENOENT/],
    [
      'no command',
      () => writeFileSync(join(root, 'app/Dockerfile'), 'FROM x\n'),
      /neither CMD nor ENTRYPOINT/,
    ],
  ])('says %s', async (_what, change, message) => {
    change();
    const failure = {
      code: 'BUILD_FAILED',
      message: expect.stringMatching(message),
      hint: expect.stringContaining('service.dockerfile'),
    };
    await expect(buildBundleImage(service(), root)).rejects.toMatchObject(failure);
  });
});

it('a command that never ends is ended', async () => {
  const output = await runBuildCommand({
    command: 'node',
    args: ['-e', 'setInterval(() => {}, 1000)'],
    cwd: root,
    timeoutMs: 300,
  });
  expect(output).toMatchObject({ code: undefined, failure: 'no end after 0.3 s' });
});

it('builds, pushes once, and finds it there the next time', async () => {
  const registry = await startRegistryFixture();
  try {
    const target = {
      root,
      repository: 'shop',
      firstEnvironment: 'test',
      access: async () => registry.access,
      digestOfTag: async () => undefined,
    };
    const builder = createBundleBuilder({ clock: createMemoryClock() });
    const first = await builder.build(service(), target);
    expect(first.pushed).toBe(true);
    expect(registry.manifests.has(first.digest)).toBe(true);
    expect(await builder.build(service(), target)).toEqual({ digest: first.digest, pushed: false });
  } finally {
    await registry.close();
  }
});
