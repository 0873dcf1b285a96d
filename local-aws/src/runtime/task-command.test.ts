import { describe, expect, it } from 'vitest';
import { parseImageConfig } from './image-config.ts';
import { parseImageReference } from './image-reference.ts';
import { parseProcessStat, selectTree } from './process-table.ts';
import { decideTaskCommand, decideTaskEnvironment, loopbackAddressOf } from './task-command.ts';
import { describeExit } from './task-process.ts';

const HEX = 'a'.repeat(64);

describe('parseImageReference', () => {
  it.each([
    [
      `1.dkr.ecr.us-east-1.amazonaws.com/shop/web@sha256:${HEX}`,
      '1.dkr.ecr.us-east-1.amazonaws.com',
      'shop/web',
      `sha256:${HEX}`,
    ],
    [`127.0.0.1:4700/web:v1@sha256:${HEX}`, '127.0.0.1:4700', 'web', `sha256:${HEX}`],
    ['localhost/web:v1', 'localhost', 'web', 'v1'],
    ['shop/web', undefined, 'shop/web', 'latest'],
    ['web:1.0_a-b', undefined, 'web', '1.0_a-b'],
  ])('%s', (image, registry, repository, reference) => {
    expect(parseImageReference(image)).toEqual({ registry, repository, reference });
  });
  it.each(['', 'Web', 'web:', 'web@sha256:abc', 'web@md5:1', '../web', 'a//b', 'web:a b'])(
    'refuses "%s"',
    (image) => {
      expect(parseImageReference(image)).toBeUndefined();
    },
  );
});

describe('decideTaskCommand', () => {
  const image = { entryPoint: ['node'], command: ['server.js'] };
  it.each([
    ['the image alone', {}, ['node', 'server.js']],
    ['an own command', { command: ['other.js'] }, ['node', 'other.js']],
    ['an own entry point', { entryPoint: ['sh'] }, ['sh']],
    ['both', { entryPoint: ['sh'], command: ['-c', 'x'] }, ['sh', '-c', 'x']],
    ['empty lists', { entryPoint: [], command: [] }, ['node', 'server.js']],
  ])('with %s', (_, spec, expected) => {
    expect(decideTaskCommand(spec, image)).toEqual(expected);
  });
});

it('decideTaskEnvironment: the task over the image, PATH from the host', () => {
  expect(
    decideTaskEnvironment({
      image: ['A=1=1', 'B=2', 'PATH=/image', 'HOME=/home/app', 'NOVALUE'],
      task: { B: '3', PATH: '/task' },
      host: { path: '/host', lang: 'C.UTF-8', home: '/scratch' },
    }),
  ).toEqual({ A: '1=1', B: '3', PATH: '/host', HOME: '/home/app', LANG: 'C.UTF-8' });
});

it.each([
  ['10.2.101.7', '127.2.101.7'],
  ['10.0.0.1', '127.0.0.1'],
  ['10.0.0.256', undefined],
  ['192.168.0.1', undefined],
  ['10.0.0', undefined],
])('loopbackAddressOf %s is %s', (privateIp, expected) => {
  expect(loopbackAddressOf(privateIp)).toBe(expected);
});

describe('parseImageConfig', () => {
  it('reads what an image says, and has a default for the rest', () => {
    const text = JSON.stringify({
      os: 'linux',
      architecture: 'arm64',
      config: { Cmd: null, Env: ['A=1'], StopSignal: 'SIGINT' },
    });
    expect(parseImageConfig(text)).toEqual({
      platform: 'linux/arm64',
      environment: ['A=1'],
      entryPoint: [],
      command: [],
      workingDirectory: '/',
      stopSignal: 'SIGINT',
    });
  });
  it('names what is malformed', () => {
    expect(() => parseImageConfig('{"config":{"Cmd":"node"}}')).toThrow(/Cmd/);
  });
});

describe('the process table', () => {
  const line = (pid: number, ppid: number, group: number, session: number, name = 'node'): string =>
    `${pid} (${name}) S ${ppid} ${group} ${session} 0 -1 0 0 0 0 0 100 50 25 25 20 0 1 0 777 0 0`;
  it('reads a stat line, whatever the name of the program', () => {
    expect(parseProcessStat(line(7, 1, 7, 7, 'a) (b c'))).toEqual({
      pid: 7,
      ppid: 1,
      group: 7,
      session: 7,
      startTime: '777',
      cpuSeconds: 2,
    });
    expect(parseProcessStat('')).toBeUndefined();
  });
  it('finds group, session and descendants of a task, and nobody else', () => {
    const rows = [
      line(10, 1, 10, 10), // the task
      line(11, 10, 10, 10),
      line(12, 11, 12, 12), // left the group; still a descendant
      line(13, 1, 13, 10), // orphaned; still of the session
      line(14, 1, 10, 10), // orphaned; still of the group
      line(20, 1, 20, 20), // a stranger
      line(21, 20, 20, 20),
    ].flatMap((text) => parseProcessStat(text) ?? []);
    expect(
      selectTree(rows, 10)
        .map(({ pid }) => pid)
        .sort(),
    ).toEqual([10, 11, 12, 13, 14]);
  });
});

it.each([
  [3, null, { exitCode: 3, signal: undefined }],
  [null, 'SIGTERM', { exitCode: 143, signal: 'SIGTERM' }],
  [null, 'SIGKILL', { exitCode: 137, signal: 'SIGKILL' }],
] as const)('describeExit(%s, %s)', (code, signal, expected) => {
  expect(describeExit(code, signal, undefined)).toEqual({ ...expected, reason: undefined });
});
