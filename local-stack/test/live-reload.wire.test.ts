/** The source runs again after every change, and the port answers meanwhile; real processes, no server beside the app. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually, RunningStack, SERVER, textOf } from './running-stack.ts';

/** No server of the stack is installed there. */
const BARE = { ...process.env, PATH: '/nowhere' };
const NODE = process.execPath;

let stack: RunningStack;
beforeEach(() => {
  stack = new RunningStack();
  stack.write('server.mjs', SERVER('one'));
});
afterEach(() => stack.remove());

const start = (service = {}) =>
  stack.start({ variables: BARE, service: { command: [NODE, 'server.mjs'], ...service } });

describe('a change of the source', () => {
  it('is answered by the new one without a refused connection in between', async () => {
    await start();
    const url = stack.url('app');
    expect(await textOf(url)).toBe('one');
    stack.write('server.mjs', SERVER('two'));
    // Any connection that fails throws.
    await eventually(
      () => textOf(url),
      (answer) => {
        expect(['one', 'two']).toContain(answer);
        return answer === 'two';
      },
    );
    expect(stack.reloads().at(-1)).toMatchObject({ outcome: 'running', changed: ['server.mjs'], output: [] });
  });

  it('that does not start leaves the one before at work, and is told; the next change mends it', async () => {
    await start();
    const url = stack.url('app');
    stack.write('server.mjs', 'this is no JavaScript');
    await eventually(
      () => stack.reloads().at(-1)?.outcome,
      (outcome) => outcome === 'start failed',
    );
    expect(stack.reloads().at(-1)?.output.join('\n')).toContain('SyntaxError');
    expect(await textOf(url)).toBe('one');
    stack.write('server.mjs', SERVER('three'));
    await eventually(
      () => textOf(url),
      (answer) => answer === 'three',
    );
  });

  it('is built first, and what does not build is told in the words of the build', async () => {
    stack.write('check.mjs', 'console.log("checked");');
    await start({ build: [NODE, 'check.mjs'] });
    stack.write('check.mjs', 'console.error("src/a.ts:3: no such name"); process.exit(1);');
    await eventually(
      () => stack.reloads().at(-1)?.outcome,
      (outcome) => outcome === 'build failed',
    );
    expect(stack.reloads().at(-1)?.output).toEqual(['src/a.ts:3: no such name']);
    expect(await textOf(stack.url('app'))).toBe('one');
  });
});

describe('the port of the app', () => {
  it('says what is wrong while nothing works, and works as soon as the source does', async () => {
    stack.write('server.mjs', 'throw new Error("no database");');
    const { components } = await start();
    expect(components[0]).toMatchObject({ state: 'failed', detail: expect.stringContaining('exit code 1') });
    const url = stack.url('app');
    const answer = await fetch(url);
    expect(answer.status).toBe(503);
    expect(await answer.text()).toMatch(/^The app does not start:[\s\S]*no database/);
    stack.write('server.mjs', SERVER('mended'));
    await eventually(
      () => textOf(url),
      (text) => text === 'mended',
    );
  });

  it('is another when the usual one is taken, and that is said', async () => {
    await start();
    const port = Number(new URL(stack.url('app')).port);
    const second = new RunningStack();
    try {
      second.write('server.mjs', SERVER('second'));
      await second.start({ variables: BARE, service: { port, command: [NODE, 'server.mjs'] } });
      expect(second.component('app')).toMatchObject({
        state: 'running',
        detail: `port ${port} is taken by another program`,
      });
      expect(await textOf(second.url('app'))).toBe('second');
      expect(await textOf(stack.url('app'))).toBe('one');
    } finally {
      await second.remove();
    }
  });

  it('is handed to commands that take it as a word, with the variables of the service', async () => {
    stack.write('server.mjs', SERVER('word').replace('process.env.PORT', 'process.argv[2]'));
    await start({
      command: [NODE, 'server.mjs', '{port}'],
      environment: { GREETING: 'hi' },
      secrets: ['APP_SECRET'],
    });
    const variables = JSON.parse(await textOf(`${stack.url('app')}/env`));
    expect(variables).toMatchObject({ GREETING: 'hi', ENVIRONMENT: 'local', HOST: '127.0.0.1' });
    expect(variables.APP_SECRET).toMatch(/^[\w-]{43}$/);
  });
});

it('names every server that is missing, and how to get it', async () => {
  const { components } = await start();
  expect(components.map(({ name, state }) => [name, state])).toEqual([
    ['app', 'running'],
    ['redis', 'missing'],
    ['redis-exporter', 'missing'],
    ['prometheus', 'missing'],
    ['grafana', 'missing'],
  ]);
  for (const component of components.slice(1)) expect(component.hint).toBeTruthy();
});

it('refuses to run twice on one folder, naming who has it', async () => {
  await start();
  await expect(stack.start({ variables: BARE })).rejects.toThrow(
    new RegExp(`A local development stack runs on .* already: process ${process.pid}, it answers on http`),
  );
});

it('can be stopped while it starts', async () => {
  stack.write('server.mjs', 'setInterval(() => undefined, 1000);');
  const starting = start();
  await eventually(
    () => stack.processes(),
    (running) => running.length === 1,
  );
  const refused = expect(starting).rejects.toThrow('aborted');
  await stack.stop();
  await refused;
  expect(existsSync(join(stack.stateDir, 'stack.json'))).toBe(false);
  expect(stack.processes()).toEqual([]);
});
