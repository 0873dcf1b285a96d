/**
 * Another container, another language, the same tool: `examples/flask` from nothing to its service in `test`, and to a
 * second release without a lost request. Needs gunicorn and Flask, as `.ci/run` installs them.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { constantLoad } from '../support/constant-load.ts';
import { Journey, lastJson } from './environment.ts';

const FOLDER = 'examples/flask';
const RATE_PER_SECOND = 50;

let journey: Journey;
let url = '';

beforeAll(async () => {
  journey = new Journey(FOLDER);
  await journey.up();
});

afterAll(() => journey?.down());

describe('the Flask example', () => {
  it('is in step with its configuration', async () => {
    const check = await journey.run(['sync', '--check']);
    expect(check.exitCode, check.stdout + check.stderr).toBe(0);
  });

  it('is deployed by the commands that its README names', async () => {
    const readme = readFileSync(join(journey.cwd, 'README.md'), 'utf8');
    for (const command of ['secret set test app-secret --generate', 'deploy test']) {
      expect(readme).toContain(`npx towpath ${command} --local`);
    }
    const secret = await journey.run(['secret', 'set', 'test', 'app-secret', '--generate']);
    expect(secret.exitCode, secret.stderr).toBe(0);
    const result = await journey.run(['deploy', 'test', '--json']);
    expect(result.exitCode, result.stdout.slice(-2000)).toBe(0);
    const outcome = lastJson(result) as { url: string; release: { imageDigest: string } };
    url = outcome.url;
    expect(await (await fetch(url)).json()).toMatchObject({
      application: 'flask',
      environment: 'test',
      imageDigest: outcome.release.imageDigest,
      zone: expect.stringMatching(/^us-east-1[abc]$/),
      secretPresent: true,
    });
  });

  it('changes its release without a lost request', async () => {
    journey.edit(`${FOLDER}/service/settings.py`, (text) => text.replace('Hello from Flask', 'Hello again'));
    const deployment = journey.run(['deploy', 'test', '--json']);
    const load = await constantLoad({ url, ratePerSecond: RATE_PER_SECOND, until: deployment });
    const result = await deployment;
    expect(result.exitCode, result.stdout.slice(-2000)).toBe(0);
    expect(load.errors).toEqual({});
    expect(load.statuses).toEqual({ 200: load.sent });
    expect(load.sent).toBeGreaterThan(RATE_PER_SECOND);
    expect(await (await fetch(url)).json()).toMatchObject({ greeting: 'Hello again' });
  });

  it('shows its log lines', async () => {
    const log = await journey.run([
      'logs',
      'test',
      '--json',
      '--release',
      'current',
      '--filter',
      'listening',
    ]);
    expect(log.exitCode, log.stderr).toBe(0);
    const [first = '{}'] = log.stdout.split('\n');
    expect(JSON.parse(first)).toMatchObject({ level: 'info', message: 'listening', fields: { port: 5000 } });
  });
});
