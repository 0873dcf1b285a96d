/** For tests on Linux: an image with a base, made of this computer's own Node and shell, without any registry. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, mkdirSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ImageStore, OciManifest } from '../contract.ts';

const PROGRAMS = ['sh', 'cat', 'head', 'tail', 'sleep', 'grep', 'echo', 'stty', 'setsid'];
export const CONTAINER_IMAGE = 'registry.local/shop/web:v1';

/** The image's first process is `node main.mjs` in /app. */
export async function makeContainerImage(
  folder: string,
  script: string,
  architecture = process.arch === 'x64' ? 'amd64' : process.arch,
): Promise<ImageStore> {
  mkdirSync(path.join(folder, 'blobs'), { recursive: true });
  const blobPath = (digest: string): string => path.join(folder, 'blobs', digest.replace(':', '-'));
  const keep = async (file: string): Promise<{ digest: string; size: number }> => {
    const hash = createHash('sha256');
    await pipeline(createReadStream(file), hash);
    const digest = `sha256:${hash.digest('hex')}`;
    const { size } = statSync(file);
    renameSync(file, blobPath(digest));
    return { digest, size };
  };
  const keepText = (text: string): Promise<{ digest: string; size: number }> => {
    const file = path.join(folder, 'text');
    writeFileSync(file, text);
    return keep(file);
  };
  const layers = [await keep(packBase(folder)), await keep(packApp(folder, script))];
  const config = await keepText(
    JSON.stringify({
      os: 'linux',
      architecture,
      config: {
        WorkingDir: '/app',
        Cmd: ['node', 'main.mjs'],
        Env: ['FROM_IMAGE=yes', 'PATH=/bin'],
        StopSignal: 'SIGTERM',
      },
      rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => digest) },
    }),
  );
  const manifest: OciManifest = {
    schemaVersion: 2,
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...config },
    layers: layers.map((layer) => ({ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...layer })),
  };
  const { digest } = await keepText(JSON.stringify(manifest));
  return { blobPath, resolve: async () => ({ digest, manifest }) };
}

function packApp(folder: string, script: string): string {
  mkdirSync(path.join(folder, 'root/app'), { recursive: true });
  writeFileSync(path.join(folder, 'root/app/main.mjs'), script);
  const archive = path.join(folder, 'app.tar');
  execFileSync('tar', ['-C', path.join(folder, 'root'), '-cf', archive, 'app']);
  return archive;
}

/** Programs in /bin, and each library where the program looks for it. */
function packBase(folder: string): string {
  const bin = path.join(folder, 'base/bin');
  mkdirSync(bin, { recursive: true });
  const programs = PROGRAMS.map((name) => {
    return execFileSync('/bin/sh', ['-c', `command -v -p ${name} || :`], { encoding: 'utf8' }).trim();
  }).map((found, at) => (found.startsWith('/') ? found : `/bin/${PROGRAMS[at]}`));
  const files = [process.execPath, ...programs];
  for (const file of files) symlinkSync(file, path.join(bin, path.basename(file)));
  const libraries = files.flatMap((file) =>
    [...execFileSync('ldd', [file], { encoding: 'utf8' }).matchAll(/(\/\S+) \(0x/g)].map(
      ([, name]) => name ?? '',
    ),
  );
  const archive = path.join(folder, 'base.tar');
  const inside = [...new Set(libraries)].map((library) => library.slice(1));
  execFileSync('tar', ['-chf', archive, '-C', path.join(folder, 'base'), 'bin', '-C', '/', ...inside]);
  return archive;
}
