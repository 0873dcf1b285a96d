/**
 * Bundles the service into one file, `dist/server.js`, with no dependency at run time.
 * The output depends on the source alone: no timestamps, no absolute paths, no machine's settings.
 * It is not a packager; the image is described by the Dockerfile.
 *
 * Usage: node build.mjs [--outdir DIR]     (DIR is relative to the current directory; default: dist beside this file)
 */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';

const APP_DIR = dirname(fileURLToPath(import.meta.url));

const REQUIRE_BANNER =
  "import { createRequire as bannerCreateRequire } from 'node:module';\nconst require = bannerCreateRequire(import.meta.url);";

/** Bundles in memory; returns the bytes of `server.js`. */
async function bundle() {
  const result = await build({
    absWorkingDir: APP_DIR,
    entryPoints: ['src/main.ts'],
    outfile: 'dist/server.js',
    bundle: true,
    write: false,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    // Without other characters Node keeps the source in half the memory.
    charset: 'ascii',
    legalComments: 'none',
    // Libraries in CommonJS ask for Node's own modules with "require", which a module does not have.
    banner: { js: REQUIRE_BANNER },
    // Names of modules are part of the bytes: they must not depend on where a linked node_modules really is.
    preserveSymlinks: true,
    sourcemap: false,
    logLevel: 'warning',
    // The caller's tsconfig and NODE_ENV must not change a byte.
    tsconfigRaw: '{"compilerOptions":{"target":"ES2023","verbatimModuleSyntax":true}}',
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  const [file] = result.outputFiles;
  if (file === undefined)
    throw new Error('esbuild wrote no file for src/main.ts; run it again with logLevel "debug"');
  return file.contents;
}

/** Writes through a rename, so that somebody who starts or packs the old file never sees half of the new one. */
async function writeWhole(path, contents) {
  const partial = `${path}.${process.pid}.partial`;
  await mkdir(dirname(path), { recursive: true });
  try {
    await writeFile(partial, contents, { mode: 0o644 });
    await rename(partial, path);
  } finally {
    await rm(partial, { force: true });
  }
}

const { values } = parseArgs({ options: { outdir: { type: 'string' } } });
const target = join(
  values.outdir === undefined ? join(APP_DIR, 'dist') : resolve(values.outdir),
  'server.js',
);
// esbuild has said what is wrong and where; our own stack adds nothing.
const contents = await bundle().catch((error) => {
  if (error.errors === undefined) throw error;
  process.exit(1);
});
await writeWhole(target, contents);
console.log(`${relative(process.cwd(), target)}  ${contents.byteLength} bytes`);
