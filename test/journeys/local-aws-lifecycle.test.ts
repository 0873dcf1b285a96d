/** The embedded AWS as a daemon: started twice, stopped twice, side by side with another, killed outright. */
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { killTree, leftovers, leftoversAfter, processTree, survivorsAfter } from '../support/process-tree.ts';
import type { CommandResult } from '../support/run-command.ts';
import { Journey, lastJson } from './environment.ts';
import { expectFailure } from './expect-failure.ts';

const START_LIMIT_MS = 30_000;
/** A refusal is known as soon as the port was tried. */
const REFUSAL_LIMIT_MS = 10_000;
const KILLED_LIMIT_MS = 10_000;

const journeys: Journey[] = [];

function newJourney(): Journey {
  const journey = new Journey();
  journeys.push(journey);
  return journey;
}

afterEach(async () => {
  for (const journey of journeys.splice(0)) {
    const { path } = journey.project;
    await journey.down();
    for (const { pid } of leftovers(path)) killTree(pid);
  }
});

interface Started {
  readonly endpoint: string;
  readonly pid: number;
  readonly started: boolean;
}

async function up(journey: Journey, ...args: string[]): Promise<Started> {
  const result = await journey.run(['local', 'up', '--json', ...args], { timeoutMs: START_LIMIT_MS });
  expect(result.exitCode, result.stdout).toBe(0);
  return lastJson(result) as unknown as Started;
}

async function status(journey: Journey): Promise<Record<string, unknown>> {
  const result = await journey.run(['local', 'status', '--json']);
  expect(result.exitCode, result.stdout + result.stderr).toBe(0);
  return JSON.parse(result.stdout) as Record<string, unknown>;
}

const down = (journey: Journey): Promise<CommandResult> => journey.run(['local', 'down', '--json']);

describe('local up and down', () => {
  it('say the second time that it was so already', async () => {
    const journey = newJourney();
    const first = await up(journey, '--speed', '20');
    expect(first.started).toBe(true);
    const second = await up(journey);
    expect(second).toEqual({ ...first, started: false });
    const forPeople = await journey.run(['local', 'up']);
    expect(forPeople.stdout).toContain('was running');
    expect(await status(journey)).toMatchObject({ endpoint: first.endpoint, speed: 20, environments: [] });

    expect(lastJson(await down(journey))).toMatchObject({ outcome: 'stopped' });
    expect(await leftoversAfter(journey.project.path, 0)).toEqual([]);
    const again = await down(journey);
    expect(again.exitCode).toBe(0);
    expect(lastJson(again)).toMatchObject({ outcome: 'not running' });
    await expectFailure((more) => journey.run(['local', 'status', ...more]), {
      exitCode: 1,
      code: 'LOCAL_NOT_RUNNING',
      says: [/not running/],
      hint: /towpath local up/,
    });
  });

  it('at the same time give one embedded AWS, or say who was first', async () => {
    const journey = newJourney();
    const results = await Promise.all([1, 2].map(() => journey.run(['local', 'up', '--json'])));
    const endings = results.map(lastJson);
    const ready = endings.filter(({ type }) => type === 'result');
    expect(ready.length, JSON.stringify(endings)).toBeGreaterThan(0);
    expect(new Set(ready.map(({ pid }) => pid)).size).toBe(1);
    for (const error of endings.filter(({ type }) => type === 'error'))
      expect(error.message).toContain('runs on the state directory');
    expect(await status(journey)).toMatchObject({ pid: ready[0]?.pid });
  });
});

describe('two projects on one computer', () => {
  it('each have an embedded AWS of their own', async () => {
    const [one, other] = [newJourney(), newJourney()];
    const port = await freePort();
    const [first, second] = await Promise.all([up(one), up(other, '--port', String(port))]);
    expect(second.endpoint).toBe(`http://127.0.0.1:${port}`);
    expect(first.endpoint).not.toBe(second.endpoint);
    expect((await one.run(['bootstrap', 'test'])).exitCode).toBe(0);
    expect((await one.status('test')).bootstrapped).toBe(true);
    expect((await other.status('test')).bootstrapped).toBe(false);
    await down(one);
    expect(await status(other)).toMatchObject({ endpoint: second.endpoint });
  });
});

describe('a busy port', () => {
  it('is named at once, and another one works', async () => {
    const journey = newJourney();
    const holder = createServer();
    const port = await new Promise<number>((resolve) =>
      holder.listen(0, '127.0.0.1', () => resolve((holder.address() as { port: number }).port)),
    );
    try {
      const busy = ['local', 'up', '--port', String(port)];
      await expectFailure((more) => journey.run([...busy, ...more], { timeoutMs: REFUSAL_LIMIT_MS }), {
        exitCode: 1,
        code: 'PORT_BUSY',
        says: [new RegExp(`Port ${port} of 127\\.0\\.0\\.1 is in use`)],
        hint: /--port/,
      });
    } finally {
      await new Promise((resolve) => holder.close(resolve));
    }
    expect(await leftoversAfter(journey.project.path, 0)).toEqual([]);
    expect((await up(journey)).started).toBe(true);
  });
});

describe('a killed daemon', () => {
  it('leaves nothing that runs, and nothing in the way of the next one', async () => {
    const journey = newJourney();
    const { pid } = await up(journey);
    const seen = processTree(pid);
    expect(seen.map(({ command }) => command).join('\n')).toContain('moto_server');
    process.kill(pid, 'SIGKILL');
    expect(await survivorsAfter(seen, KILLED_LIMIT_MS)).toEqual([]);
    await expectFailure((more) => journey.run(['status', 'test', ...more]), {
      exitCode: 1,
      code: 'LOCAL_NOT_RUNNING',
      says: [/not running/],
      hint: /towpath local up/,
    });
    const next = await up(journey);
    expect(next).toMatchObject({ started: true });
    expect(next.pid).not.toBe(pid);
    expect((await journey.run(['bootstrap', 'test'])).exitCode).toBe(0);
  });
});
