/** Builds the bundle and runs it as the container does: from a folder that holds `dist/` and `package.json` only. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const APP_DIR = dirname(dirname(fileURLToPath(import.meta.url)));
/** As in the Dockerfile, which a test compares. */
export const NODE_FLAGS = ['--optimize-for-size', '--single-threaded-gc'];
const BUILD_TIMEOUT_MS = 30_000;
const START_TIMEOUT_MS = 10_000;

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunningService {
  readonly process: ChildProcess;
  /** Every log line so far, parsed. */
  readonly lines: readonly Record<string, unknown>[];
  /** Resolves with the first line whose `msg` is this; rejects when the process ends without it. */
  readonly logged: (msg: string) => Promise<Record<string, unknown>>;
  readonly exited: Promise<Exit>;
}

export async function buildInto(appDir: string, outDir: string): Promise<void> {
  const options = { timeout: BUILD_TIMEOUT_MS };
  await promisify(execFile)(process.execPath, [join(appDir, 'build.mjs'), '--outdir', outDir], options);
}

/** A fresh folder like the image's /app. The caller removes it. */
export async function makeImageDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'towpath-app-'));
  try {
    await buildInto(APP_DIR, join(dir, 'dist'));
    await copyFile(join(APP_DIR, 'package.json'), join(dir, 'package.json'));
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
  return dir;
}

export function startService(imageDir: string, env: Readonly<Record<string, string>>): RunningService {
  return runService(process.execPath, [...NODE_FLAGS, 'dist/server.js'], imageDir, env);
}

/** Any program that keeps to the contract: address and port from the environment, a JSON object a line of log. */
export function runService(
  program: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): RunningService {
  const child = spawn(program, args, {
    cwd,
    env: { HOST: '127.0.0.1', PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: Record<string, unknown>[] = [];
  let failure = '';
  child.once('error', (error) => {
    failure = `${error.message}; `;
  });
  const exited = new Promise<Exit>((resolve) =>
    child.once('close', (code, signal) => resolve({ code, signal })),
  );
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line)));

  const logged = async (msg: string): Promise<Record<string, unknown>> => {
    const deadline = Date.now() + START_TIMEOUT_MS;
    let ended = false;
    void exited.then(() => {
      ended = true;
    });
    while (Date.now() < deadline) {
      const found = lines.find((line) => line.msg === msg);
      if (found !== undefined) return found;
      if (ended) break;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(
      `${failure}no line ${JSON.stringify(msg)} within ${START_TIMEOUT_MS} ms; the log is ${JSON.stringify(lines)}`,
    );
  };
  return { process: child, lines, logged, exited };
}
