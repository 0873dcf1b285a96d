/** The Dockerfile's final stage, followed by hand: what it copies is enough to run, and its health check tells the truth. */
import { spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { APP_DIR, makeImageDir, startService } from './built-service.ts';

interface Instruction {
  readonly keyword: string;
  readonly rest: string;
}

/** Instructions of the last stage, continuation lines joined, comments left out. */
function parseFinalStage(dockerfile: string): readonly Instruction[] {
  const instructions = dockerfile
    .replaceAll(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => ({ keyword: line.split(' ', 1)[0] ?? '', rest: line.slice(line.indexOf(' ') + 1) }));
  return instructions.slice(instructions.findLastIndex(({ keyword }) => keyword === 'FROM'));
}

function restOf(stage: readonly Instruction[], keyword: string): string {
  const found = stage.filter((instruction) => instruction.keyword === keyword);
  expect(found, keyword).toHaveLength(1);
  return found[0]?.rest ?? '';
}

/** Exit code of a command in exec form. */
function exitCodeOf(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number | null> {
  const [program = '', ...args] = command;
  return new Promise((resolve, reject) => {
    spawn(program === 'node' ? process.execPath : program, args, { env, stdio: 'ignore' })
      .once('error', reject)
      .once('exit', (code) => resolve(code));
  });
}

let imageDir = '';
let stage: readonly Instruction[] = [];
beforeAll(async () => {
  imageDir = await makeImageDir();
  stage = parseFinalStage(await readFile(join(APP_DIR, 'Dockerfile'), 'utf8'));
});
afterAll(() => rm(imageDir, { recursive: true, force: true }));

describe('Dockerfile', () => {
  it('runs the bundle without root, and stops it with the signal that drains it', () => {
    expect(JSON.parse(restOf(stage, 'CMD'))).toEqual(['node', 'dist/server.js']);
    expect(restOf(stage, 'USER')).toBe('node');
    expect(restOf(stage, 'WORKDIR')).toBe('/app');
    expect(restOf(stage, 'ENV')).toBe('NODE_ENV=production');
    expect(restOf(stage, 'EXPOSE')).toBe('5000');
    expect(restOf(stage, 'STOPSIGNAL')).toBe('SIGTERM');
    const copies = stage.filter(({ keyword }) => keyword === 'COPY').map(({ rest }) => rest);
    expect(copies).toEqual([
      '--from=build /src/app/package.json /app/package.json',
      '--from=build /src/app/dist /app/dist',
    ]);
  });

  it('has a health check that passes on a running service and fails on a stopped one', async () => {
    const healthcheck = restOf(stage, 'HEALTHCHECK');
    const command = JSON.parse(healthcheck.slice(healthcheck.indexOf('['))) as readonly string[];
    const service = startService(imageDir, { SHUTDOWN_DELAY_MS: '0' });
    try {
      const PORT = String((await service.logged('listening')).port);
      expect(await exitCodeOf(command, { PORT })).toBe(0);
      service.process.kill('SIGTERM');
      expect(await service.exited).toEqual({ code: 0, signal: null });
      expect(await exitCodeOf(command, { PORT })).toBe(1);
    } finally {
      service.process.kill('SIGKILL');
      await service.exited;
    }
  });
});
