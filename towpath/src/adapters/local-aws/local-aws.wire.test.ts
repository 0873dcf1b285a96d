/** The embedded AWS as a child and as a daemon, on a program that plays the daemon. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LocalAwsPort } from '../../ports.ts';
import { isAlive } from '../process/process-identity.ts';
import { createLocalAws } from './local-aws.ts';

/** Ends by itself should a test fail to end it. */
const LIFE_LIMIT_MS = 20_000;

/** Writes what the real one writes: `local.json` while it lives, and one line when it is ready or fails. */
const daemon = (behaviour: string) => `
import { createServer } from 'node:http';
import { rmSync, writeFileSync } from 'node:fs';
const args = process.argv.slice(2);
const option = (name) => args[args.indexOf('--' + name) + 1];
const folder = option('state-dir');
const file = folder + '/local.json';
setTimeout(() => process.exit(9), ${LIFE_LIMIT_MS});
const say = (line) => console.log(JSON.stringify(line));
const end = (code) => { rmSync(file, { force: true }); process.exit(code); };
process.on('SIGTERM', () => end(0));
if (args.includes('--exit-with-parent')) process.stdin.on('end', () => end(0)).resume();
const serve = () => {
  const server = createServer((request, response) => {
    if (request.url === '/_local/chaos/c9') response.statusCode = 404;
    if (request.url === '/_local/chaos/c8') response.statusCode = 409;
    const kind = response.statusCode === 409 ? 'refused' : 'not-found';
    const refusal = response.statusCode === 200 ? {} : { kind, message: 'there is no c9' };
    const chaos = { method: request.method, active: [], undone: [{ id: 'c1' }] };
    let body = '';
    request.on('data', (chunk) => (body += chunk)).on('end', () => {
      response.end(JSON.stringify({ path: request.url, environments: [], ...chaos, body, ...refusal }));
    });
  });
  server.listen(0, '127.0.0.1', () => {
    writeFileSync(folder + '/identities.json', JSON.stringify({ developer: { accessKeyId: 'A', secretAccessKey: 'B' } }));
    writeFileSync(file, JSON.stringify({
      endpoint: 'http://127.0.0.1:' + server.address().port, pid: process.pid,
      speed: Number(option('speed')), region: option('region'), accountId: '123456789012',
      driver: args.includes('--driver') ? option('driver') : undefined,
    }));
    say({ type: 'ready' });
  });
};
${behaviour}
`;

let base: string;
let opened: LocalAwsPort[];
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'local-aws-'));
  opened = [];
});
afterEach(async () => {
  for (const localAws of opened) await localAws.stop();
  rmSync(base, { recursive: true, force: true });
});

function open(behaviour = 'serve();'): LocalAwsPort {
  writeFileSync(join(base, 'daemon.mjs'), daemon(behaviour));
  const localAws = createLocalAws({
    entry: join(base, 'daemon.mjs'),
    stateDir: join(base, 'state'),
    region: 'eu-west-1',
  });
  opened.push(localAws);
  return localAws;
}

const options = (attached: boolean) => ({ speed: 4, port: undefined, attached });

describe('the embedded AWS', () => {
  it.each([true, false])('attached: %s, starts, is found, answers and stops', async (attached) => {
    const localAws = open();
    expect(await localAws.find()).toBeUndefined();
    const started = await localAws.start(options(attached));
    expect(started).toMatchObject({
      started: true,
      speed: 4,
      region: 'eu-west-1',
      account: '123456789012',
    });
    expect(await localAws.find()).toEqual({ ...started, started: false });
    expect(await localAws.status()).toMatchObject({ path: '/_local/status' });
    expect(await localAws.credentials('developer')).toEqual({ accessKeyId: 'A', secretAccessKey: 'B' });
    expect(await localAws.stop()).toBe('stopped');
    expect(isAlive(started.pid, undefined)).toBe(false);
    expect(await localAws.stop()).toBe('not running');
    expect(await localAws.status()).toBeUndefined();
  });

  it('that runs keeps its driver: whoever asks for another one is told', async () => {
    const localAws = open();
    expect(await localAws.start({ ...options(true), driver: 'docker' })).toMatchObject({ driver: 'docker' });
    expect(await localAws.start(options(true))).toMatchObject({ driver: 'docker', started: false });
    await expect(localAws.start({ ...options(true), driver: 'process' })).rejects.toMatchObject({
      code: 'LOCAL_START_FAILED',
      hint: 'towpath local down, then towpath local up --driver process',
    });
  });

  it('takes chaos, and passes on why it refuses some', async () => {
    const localAws = open();
    expect(await localAws.chaos()).toBeUndefined();
    expect(await localAws.startChaos({ action: 'kill-task' })).toBeUndefined();
    expect(await localAws.undoChaos('c1')).toBeUndefined();
    await localAws.start(options(true));
    expect(await localAws.chaos()).toMatchObject({ method: 'GET', path: '/_local/chaos', active: [] });
    const request = { action: 'kill-task', task: '1a' };
    const begun = { method: 'POST', body: JSON.stringify(request) };
    expect(await localAws.startChaos(request)).toMatchObject(begun);
    expect(await localAws.undoChaos(undefined)).toEqual([{ id: 'c1' }]);
    expect(await localAws.undoChaos('a/b')).toMatchObject([
      { method: 'DELETE', path: '/_local/chaos/a%2Fb' },
    ]);
    await expect(localAws.undoChaos('c9')).rejects.toMatchObject({
      code: 'USAGE',
      message: 'there is no c9',
    });
    await expect(localAws.undoChaos('c8')).rejects.toMatchObject({ code: 'CHAOS_REFUSED' });
  });

  it('that runs is not started again', async () => {
    const localAws = open();
    const first = await localAws.start(options(true));
    expect(await localAws.start({ ...options(true), speed: 99 })).toEqual({ ...first, started: false });
  });

  it('names the identities that there are', async () => {
    const localAws = open();
    expect(await localAws.credentials('developer')).toBeUndefined();
    await localAws.start(options(true));
    await expect(localAws.credentials('nobody')).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('it has: developer'),
    });
  });

  it('tells an end that was asked for from one that was not', async () => {
    const localAws = open();
    await localAws.start(options(true));
    expect(await open().stop()).toBe('stopped');
    expect(await localAws.ended()).toBeUndefined();
    const broken = open('serve(); setTimeout(() => end(1), 500);');
    await broken.start(options(true));
    expect(await broken.ended()).toContain('exit code 1');
  });

  it('that was killed counts as not running, and starts again', async () => {
    const localAws = open();
    const first = await localAws.start(options(true));
    process.kill(first.pid, 'SIGKILL');
    expect(await localAws.ended()).toContain('SIGKILL');
    expect(existsSync(join(base, 'state', 'local.json'))).toBe(true);
    expect(await localAws.find()).toBeUndefined();
    const second = await localAws.start(options(true));
    expect(second.started).toBe(true);
    expect(second.pid).not.toBe(first.pid);
  });
});

describe('the state on disk', () => {
  const bringBack = `
const { renameSync } = await import('node:fs');
if (args.includes('--purge')) { say({ type: 'purged', found: true }); process.exit(0); }
writeFileSync(folder + '/draft', JSON.stringify({ phase: 'replay', done: 50, total: 200 }));
renameSync(folder + '/draft', folder + '/starting.json');
setTimeout(() => { rmSync(folder + '/starting.json'); serve(); }, 2_500);
`;

  it('is brought back with progress', async () => {
    const localAws = open(bringBack);
    const seen: object[] = [];
    const started = await localAws.start({
      ...options(true),
      onProgress: (progress) => void seen.push(progress),
    });
    // Told once, however often it was looked at.
    expect(seen).toEqual([{ phase: 'replay', done: 50, total: 200 }]);
    expect(started.restored).toEqual({ calls: 0, failedCalls: 0 });
  });

  it('is forgotten by the daemon itself', async () => {
    expect(await open(bringBack).purge()).toBe('forgotten');
    const refusing = open(
      `say({ type: 'error', message: 'It runs already.', hint: 'kill 7' }); process.exit(1);`,
    );
    await expect(refusing.purge()).rejects.toMatchObject({
      message: expect.stringContaining('It runs already.'),
      hint: 'kill 7',
    });
  });
});

describe('an embedded AWS that does not start', () => {
  it.each([true, false])('attached: %s, passes on its own words', async (attached) => {
    const localAws = open(
      `say({ type: 'error', code: 'PORT_BUSY', message: 'Port 4566 is taken.', hint: '--port 4567' }); process.exitCode = 1; setTimeout(() => end(1), 20);`,
    );
    await expect(localAws.start(options(attached))).rejects.toMatchObject({
      code: 'PORT_BUSY',
      message: 'Port 4566 is taken.',
      hint: '--port 4567',
    });
  });

  it('shows the end of its log when it says nothing', async () => {
    const localAws = open(`console.error('no space left'); process.exit(7);`);
    await expect(localAws.start(options(true))).rejects.toMatchObject({
      code: 'LOCAL_START_FAILED',
      message: 'The embedded AWS did not start: exit code 7.',
      context: ['no space left'],
    });
    expect(readFileSync(join(base, 'state', 'daemon.log'), 'utf8')).toContain('no space left');
  });
});
