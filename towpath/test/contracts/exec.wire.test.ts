/** Commands in tasks and tasks for commands: our client and the AWS SDK against the embedded AWS. */
import { once } from 'node:events';
import { ECSClient, ExecuteCommandCommand } from '@aws-sdk/client-ecs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { COMMANDS, execContract, recordTerminal } from './exec-contract.ts';
import { type ExecWorld, startExecWorld } from './exec-world.ts';
import { oneOffContract } from './one-off-contract.ts';

let world: ExecWorld | undefined;
const use = (): ExecWorld => {
  if (world === undefined) throw new Error('the world has not started');
  return world;
};

beforeAll(async () => {
  world = await startExecWorld();
});
afterAll(() => world?.close());

describe('exec on the embedded AWS', () => {
  execContract(async () => ({
    exec: use().exec('test'),
    nothing: use().exec('nothing'),
    disabled: use().exec('dark'),
  }));

  it('ends the command with the session', async () => {
    const controller = new AbortController();
    const running = use()
      .exec('test')
      .run(await use().task('test'), COMMANDS.wait, recordTerminal(), controller.signal);
    await expect.poll(() => use().running.size, { timeout: 5_000 }).toBe(1);
    controller.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
    await expect.poll(() => use().running.size, { timeout: 5_000 }).toBe(0);
  });
});

describe('one-off tasks on the embedded AWS', () =>
  oneOffContract(async () => {
    const opened = use();
    opened.log.length = 0;
    return {
      port: opened.oneOff('test'),
      nothing: opened.oneOff('nothing'),
      settle: () => opened.pass(120_000),
      async finish(command, exitCode) {
        opened.finish(command, exitCode);
        await opened.pass(120_000);
      },
      write: (...lines) => void opened.log.push(...lines),
    };
  }));

async function prepare() {
  const client = new ECSClient({
    endpoint: use().endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    maxAttempts: 1,
  });
  const task = await use().task('test');
  const answer = await client.send(
    new ExecuteCommandCommand({
      cluster: 'shop-test-ecs-cluster',
      task,
      command: COMMANDS.say,
      interactive: true,
    }),
  );
  client.destroy();
  return { task, ...answer };
}

/** The code that a connection was closed with, or the status that it was refused with. */
async function outcome(socket: WebSocket): Promise<string> {
  return new Promise((resolve) => {
    socket.once('close', (code) => resolve(`closed ${code}`));
    socket.once('error', (error) => resolve(error.message));
  });
}

describe('a session of ExecuteCommand', () => {
  it('is what the SDK gives to the plugin', async () => {
    const { task, session, taskArn, containerName, interactive } = await prepare();
    expect({ taskArn, containerName, interactive }).toEqual({
      taskArn: task,
      containerName: 'app',
      interactive: true,
    });
    expect(session?.sessionId).toMatch(/^ecs-execute-command-/);
    const port = new URL(use().endpoint).port;
    expect(session?.streamUrl).toMatch(
      new RegExp(`^ws://127\\.0\\.0\\.1:${port}/_local/exec/${session?.sessionId}`),
    );
    expect(session?.tokenValue?.length).toBeGreaterThan(40);
  });

  it('opens for its token, once', async () => {
    const { session } = await prepare();
    const url = session?.streamUrl ?? '';
    const wrong = new WebSocket(url);
    wrong.on('open', () => wrong.send(JSON.stringify({ MessageSchemaVersion: '1.0', TokenValue: 'guess' })));
    expect(await outcome(wrong)).toBe('closed 1008');
    const garbage = new WebSocket(url);
    garbage.on('open', () => garbage.send(Buffer.alloc(200, 255)));
    expect(await outcome(garbage)).toBe('closed 1008');
    const right = new WebSocket(url);
    right.on('open', () => right.send(JSON.stringify({ TokenValue: session?.tokenValue })));
    await once(right, 'message');
    expect(await outcome(new WebSocket(url))).toContain('404');
    right.terminate();
  });

  it('is not for web pages, and not for guesses', async () => {
    const { session } = await prepare();
    const url = session?.streamUrl ?? '';
    expect(await outcome(new WebSocket(url, { origin: 'https://evil.example' }))).toContain('403');
    expect(await outcome(new WebSocket(url, { headers: { host: 'evil.example' } }))).toContain('403');
    expect(await outcome(new WebSocket(`${url.split('/_local')[0]}/_local/exec/nope`))).toContain('404');
    expect(await outcome(new WebSocket(`${url.split('/_local')[0]}/elsewhere`))).toContain('404');
  });

  it('is closed by a message that is too large', async () => {
    const { session } = await prepare();
    const socket = new WebSocket(session?.streamUrl ?? '');
    socket.on('open', () => socket.send(Buffer.alloc(1024 * 1024)));
    expect(await outcome(socket)).toBe('closed 1009');
  });
});
