import { existsSync } from 'node:fs';
import { lstat, mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ImageCache } from './image-cache.ts';
import { FixtureImageStore, type LayerEntry } from './image-fixture.ts';

let scratch: string;
let images: FixtureImageStore;
let cache: ImageCache;

beforeEach(async () => {
  scratch = await realpath(await mkdtemp(path.join(tmpdir(), 'layer-unpack-')));
  images = new FixtureImageStore(path.join(scratch, 'blobs'));
  cache = new ImageCache(path.join(scratch, 'state'), images);
});
afterEach(() => rm(scratch, { recursive: true, force: true }));

async function unpack(layers: LayerEntry[][], gzip = false): Promise<string> {
  return (await cache.load(await images.add('a/b', 't', { layers, gzip }))).rootfs;
}

describe('layers', () => {
  it.each([false, true])('are laid over each other, with whiteouts (gzip: %s)', async (gzip) => {
    const rootfs = await unpack(
      [
        [
          { name: './', type: 'directory' },
          { name: 'app/', type: 'directory', mode: 0o755 },
          { name: 'app/run', content: 'one', mode: 0o4755 },
          { name: 'app/old', content: 'gone' },
          { name: 'conf/a', content: 'a' },
          { name: 'conf/deep/b', content: 'b' },
          { name: 'lib', type: 'symlink', linkname: 'app' },
        ],
        [
          { name: 'app/run', content: 'two' },
          { name: 'app/.wh.old' },
          { name: 'conf/c', content: 'c' },
          { name: 'conf/.wh..wh..opq' },
          { name: 'lib/behind', content: 'a link' },
          { name: 'app/hard', type: 'link', linkname: 'app/run' },
        ],
      ],
      gzip,
    );
    expect((await readdir(path.join(rootfs, 'app'))).sort()).toEqual(['behind', 'hard', 'run']);
    expect(await readFile(path.join(rootfs, 'app', 'hard'), 'utf8')).toBe('two');
    expect(await readdir(path.join(rootfs, 'conf'))).toEqual(['c']);
  });

  it('keep no setuid bit and make no device', async () => {
    const rootfs = await unpack([
      [
        { name: 'su', content: 'x', mode: 0o6755 },
        { name: 'null', type: 'character-device' },
      ],
    ]);
    expect((await lstat(path.join(rootfs, 'su'))).mode & 0o7777).toBe(0o755);
    expect(existsSync(path.join(rootfs, 'null'))).toBe(false);
  });

  it.each<[string, LayerEntry[]]>([
    ['a path with ..', [{ name: '../../escaped', content: 'x' }]],
    ['an absolute symlink', [{ name: 'x', type: 'symlink', linkname: '/etc/passwd' }]],
    ['a symlink that leads out', [{ name: 'x', type: 'symlink', linkname: '../../escaped' }]],
    ['a hard link that leads out', [{ name: 'x', type: 'link', linkname: '../../../secret' }]],
    [
      'links that lead out together',
      [
        { name: 'd/e/up', type: 'symlink', linkname: '../..' },
        { name: 'd/e/out', type: 'symlink', linkname: 'up/../../../secret' },
      ],
    ],
    [
      'a file behind links that lead out together',
      [
        { name: 'd/e/up', type: 'symlink', linkname: '../..' },
        { name: 'd/e/out', type: 'symlink', linkname: 'up/..' },
        { name: 'd/e/out/escaped', content: 'x' },
      ],
    ],
    ['a whiteout of its own parent', [{ name: 'a/.wh...' }]],
  ])('with %s are refused, and nothing is left', async (_, entries) => {
    await writeFile(path.join(scratch, 'secret'), 'secret');
    await expect(unpack([entries])).rejects.toMatchObject({
      code: 'CannotPullContainerError',
      message: expect.stringMatching(
        /failed to extract layers of .*(leads out of the image|absolute symlink)/,
      ),
    });
    expect(await readFile(path.join(scratch, 'secret'), 'utf8')).toBe('secret');
    const left = await readdir(scratch, { recursive: true });
    expect(left.filter((name) => name.includes('escaped'))).toEqual([]);
    expect(await readdir(path.join(scratch, 'state', 'images'))).toEqual([]);
  });

  it('keep an absolute name inside the image', async () => {
    const rootfs = await unpack([[{ name: '/etc/motd', content: 'hi' }]]);
    expect(await readFile(path.join(rootfs, 'etc', 'motd'), 'utf8')).toBe('hi');
  });

  it('that are damaged are refused', async () => {
    const image = await images.add('a/b', 't', {
      layers: [[{ name: 'f', content: 'x'.repeat(5000) }]],
      gzip: true,
    });
    const layer = (await images.resolve('a/b', 't'))?.manifest.layers[0]?.digest ?? '';
    const blob = images.blobPath(layer);
    await writeFile(blob, (await readFile(blob)).subarray(0, 30));
    await expect(cache.load(image)).rejects.toMatchObject({ code: 'CannotPullContainerError' });
  });

  it('half unpacked by a killed process are removed', async () => {
    const leftover = path.join(scratch, 'state', 'images', '.unpacking-dead', 'rootfs');
    await mkdir(leftover, { recursive: true });
    await unpack([[{ name: 'f', content: 'x' }]]);
    expect(existsSync(leftover)).toBe(false);
  });
});
