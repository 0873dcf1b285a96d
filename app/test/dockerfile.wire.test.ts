/** The final stages of Dockerfiles, followed by hand: they run what they copy, and their health checks tell the truth. */
import { spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { APP_DIR, makeImageDir, NODE_FLAGS, type RunningService, startService } from './built-service.ts';
import { FLASK_DIR, startFlaskService } from './flask-service.ts';

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
    // The names that the images have for their interpreters.
    const here = { node: process.execPath, python: 'python3' }[program] ?? program;
    spawn(here, args, { env: { PATH: process.env.PATH, ...env }, stdio: 'ignore' })
      .once('error', reject)
      .once('exit', (code) => resolve(code));
  });
}

let imageDir = '';
beforeAll(async () => {
  imageDir = await makeImageDir();
});
afterAll(() => rm(imageDir, { recursive: true, force: true }));

type Start = (env: Readonly<Record<string, string>>) => RunningService;
const IMAGES: readonly (readonly [string, string, Start, Readonly<Record<string, unknown>>])[] = [
  [
    'of this service',
    APP_DIR,
    (env) => startService(imageDir, env),
    {
      command: ['node', ...NODE_FLAGS, 'dist/server.js'],
      user: 'node',
      variables: 'NODE_ENV=production',
      copies: [
        '--from=build /src/app/package.json /app/package.json',
        '--from=build /src/app/dist /app/dist',
      ],
    },
  ],
  [
    'of the Flask example',
    FLASK_DIR,
    startFlaskService,
    {
      command: ['gunicorn'],
      user: '65532',
      variables: 'PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1',
      copies: [
        '--from=build /install /usr/local',
        'gunicorn.conf.py /app/gunicorn.conf.py',
        'service /app/service',
      ],
    },
  ],
];

describe.each(IMAGES)('the Dockerfile %s', (_name, folder, start, expected) => {
  let stage: readonly Instruction[] = [];
  beforeAll(async () => {
    stage = parseFinalStage(await readFile(join(folder, 'Dockerfile'), 'utf8'));
  });

  it('runs without root what it copies, and stops it with the signal that drains it', () => {
    expect(restOf(stage, 'WORKDIR')).toBe('/app');
    expect(restOf(stage, 'EXPOSE')).toBe('5000');
    expect(restOf(stage, 'STOPSIGNAL')).toBe('SIGTERM');
    expect({
      command: JSON.parse(restOf(stage, 'CMD')),
      user: restOf(stage, 'USER'),
      variables: restOf(stage, 'ENV'),
      copies: stage.filter(({ keyword }) => keyword === 'COPY').map(({ rest }) => rest),
    }).toEqual(expected);
  });

  it('has a health check that passes on a running service and fails on a stopped one', async () => {
    const healthcheck = restOf(stage, 'HEALTHCHECK');
    const command = JSON.parse(healthcheck.slice(healthcheck.indexOf('['))) as readonly string[];
    const service = start({ SHUTDOWN_DELAY_MS: '0' });
    try {
      const PORT = String((await service.logged('listening')).port);
      await service.logged('ready');
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
