/** Builds with an engine: a program that takes the place of docker or podman writes down what it is asked. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { sampleService } from '../../../test/fakes/sample-project.ts';
import { requireContainerEngine } from './container-engine.ts';
import { createEngineBuilder } from './engine-builder.ts';
import { tagOfDigest } from './registry-client.ts';

const IMAGE_ID = `sha256:${'1'.repeat(64)}`;
const DIGEST = `sha256:${'2'.repeat(64)}`;

/** Stands in for an engine: logs arguments, input and login folder; fails where a test wants it to. */
const ENGINE = `#!${process.execPath}
const fs = require('node:fs');
const path = require('node:path');
const args = process.argv.slice(2);
const log = process.env.FAKE_ENGINE_LOG;
const after = (flag) => args[args.indexOf(flag) + 1];
const verb = args[0] === '--config' ? args[2] : args[0];
const input = verb === 'login' ? fs.readFileSync(0, 'utf8') : undefined;
const config = args[0] === '--config' ? args[1] : process.env.REGISTRY_AUTH_FILE;
fs.appendFileSync(log, JSON.stringify({ verb, args, input, config, host: process.env.DOCKER_HOST }) + '\\n');
if (process.env.FAKE_ENGINE_FAILS === verb) { console.error(verb + ' says no'); process.exit(1); }
if (verb === 'context') console.log('unix:///run/user/7/docker.sock');
if (verb === 'build') fs.writeFileSync(after('--iidfile'), '${IMAGE_ID}');
if (verb === 'login' && args[0] === '--config') fs.writeFileSync(path.join(args[1], 'config.json'), '{}');
if (verb === 'push' && args.includes('--digestfile')) fs.writeFileSync(after('--digestfile'), '${DIGEST}');
else if (verb === 'push') console.log('sha-1: digest: ${DIGEST} size: 528');
`;

interface Call {
  readonly verb: string;
  readonly args: string[];
  readonly input?: string;
  readonly config?: string;
  readonly host?: string;
}

let root: string;
let log: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'towpath-test-'));
  log = join(root, 'log');
  mkdirSync(join(root, 'tmp'));
  mkdirSync(join(root, 'bin'));
  vi.stubEnv('PATH', [join(root, 'bin'), dirname(process.execPath)].join(delimiter));
  vi.stubEnv('FAKE_ENGINE_LOG', log);
  vi.stubEnv('TMPDIR', join(root, 'tmp'));
  vi.stubEnv('DOCKER_HOST', undefined);
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true, force: true });
});

function install(name: 'docker' | 'podman'): void {
  const file = join(root, 'bin', name);
  writeFileSync(file, ENGINE);
  chmodSync(file, 0o755);
}

const calls = (): Call[] =>
  existsSync(log)
    ? readFileSync(log, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Call)
    : [];

const target = (baseUrl: string, present?: string) => ({
  root,
  repository: 'shop',
  firstEnvironment: 'test',
  access: async () => ({ baseUrl, user: 'AWS', password: 'registry-password' }),
  digestOfTag: async (tag: string) => (tag === tagOfDigest(IMAGE_ID) ? present : undefined),
});

const ECR = 'https://123456789012.dkr.ecr.us-east-1.amazonaws.com';
const REFERENCE = `123456789012.dkr.ecr.us-east-1.amazonaws.com/shop:${tagOfDigest(IMAGE_ID)}`;

describe('docker', () => {
  beforeEach(() => install('docker'));

  it('builds for Fargate, pushes under a tag of the content, and answers the digest of the push', async () => {
    expect(await createEngineBuilder().build(sampleService, target(ECR))).toEqual({
      digest: DIGEST,
      pushed: true,
    });
    const seen = calls();
    expect(seen.map(({ verb }) => verb)).toEqual(['info', 'build', 'context', 'login', 'tag', 'push', 'rmi']);
    const build = seen[1]?.args ?? [];
    expect(build).toEqual(
      expect.arrayContaining(['--platform', 'linux/amd64', '-f', join(root, 'app/Dockerfile'), root]),
    );
    expect(seen[4]?.args.slice(2)).toEqual(['tag', IMAGE_ID, REFERENCE]);
    expect(seen[5]?.args.at(-1)).toBe(REFERENCE);
  });

  it('gives the password on standard input only, into a folder that is gone afterwards', async () => {
    await createEngineBuilder().build(sampleService, target(ECR));
    const login = calls().find(({ verb }) => verb === 'login');
    expect(login?.input).toBe('registry-password');
    expect(
      calls()
        .flatMap(({ args }) => args)
        .join(' '),
    ).not.toContain('registry-password');
    expect(existsSync(login?.config ?? root)).toBe(false);
    expect(readdirSync(join(root, 'tmp'))).toEqual([]);
  });

  it('keeps to the daemon of the chosen context', async () => {
    await createEngineBuilder().build(sampleService, target(ECR));
    expect(calls().find(({ verb }) => verb === 'push')?.host).toBe('unix:///run/user/7/docker.sock');
  });

  it('pushes nothing when the registry has the image', async () => {
    const other = `sha256:${'3'.repeat(64)}`;
    expect(await createEngineBuilder().build(sampleService, target(ECR, other))).toEqual({
      digest: other,
      pushed: false,
    });
    expect(calls().map(({ verb }) => verb)).toEqual(['info', 'build']);
  });

  it.each([
    ['build', 'BUILD_FAILED'],
    ['login', 'PUSH_FAILED'],
    ['push', 'PUSH_FAILED'],
  ])('a %s that fails shows why, and leaves no folder', async (verb, code) => {
    vi.stubEnv('FAKE_ENGINE_FAILS', verb);
    const failure = { code, context: [`${verb} says no`] };
    await expect(createEngineBuilder().build(sampleService, target(ECR))).rejects.toMatchObject(failure);
    expect(readdirSync(join(root, 'tmp'))).toEqual([]);
  });
});

describe('podman', () => {
  beforeEach(() => install('podman'));

  it('takes the place of docker, and speaks http where the registry does', async () => {
    expect(await createEngineBuilder().build(sampleService, target('http://127.0.0.1:4700'))).toMatchObject({
      digest: DIGEST,
    });
    const seen = calls();
    expect(seen.map(({ verb }) => verb)).toEqual(['info', 'build', 'login', 'tag', 'push', 'rmi']);
    for (const verb of ['login', 'push']) {
      expect(seen.find((call) => call.verb === verb)?.args).toContain('--tls-verify=false');
    }
    expect(seen.at(-2)?.args.at(-1)).toBe(`127.0.0.1:4700/shop:${tagOfDigest(IMAGE_ID)}`);
  });
});

describe('without an engine', () => {
  it('says what each program answered, and what to do', async () => {
    install('docker');
    vi.stubEnv('FAKE_ENGINE_FAILS', 'info');
    await expect(requireContainerEngine()).rejects.toMatchObject({
      code: 'NO_CONTAINER_ENGINE',
      hint: expect.stringContaining('--local'),
      context: ['docker: info says no', 'podman: not installed'],
    });
  });
});
