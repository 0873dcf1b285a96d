/** For tests only: the program as it is shipped, with what it needs beside it. */
import { execFile } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const buildScript = fileURLToPath(new URL('../build.mjs', import.meta.url));

/** @returns the program's path in this folder */
export async function bundleProgram(folder: string): Promise<string> {
  const dist = join(folder, 'dist');
  await execute(process.execPath, [buildScript, dist]);
  const python = fileURLToPath(new URL('../moto-repeatable', import.meta.url));
  cpSync(python, join(folder, 'moto-repeatable'), { recursive: true });
  return join(dist, 'main.js');
}
