import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { PAYLOAD_TYPE, parseJsonPayload, parseMessage } from '../../../session-protocol/agent-message.ts';
import { MessageStream } from '../../../session-protocol/message-stream.ts';
import type { CommandOptions, ExecutedCommand, RunningTask, TaskExit } from '../contract.ts';
import { RunningSession } from './command-session.ts';

/** A command that a test plays, and the client of its session. */
function open(sizeFirst = true) {
  let exit: (exit: Partial<TaskExit>) => void = () => undefined;
  const exited = new Promise<TaskExit>((resolve) => {
    exit = (given) => resolve({ exitCode: 0, signal: undefined, reason: undefined, ...given });
  });
  const [stdin, stdout] = [new PassThrough(), new PassThrough()];
  const started: { command: string; options: CommandOptions | undefined }[] = [];
  const sizes: (readonly [number, number])[] = [];
  let killed = 0;
  const executed: ExecutedCommand = {
    stdin,
    stdout,
    stderr: undefined,
    exited,
    resize: (columns, rows) => void sizes.push([columns, rows]),
    kill: () => {
      killed += 1;
    },
  };
  const task = {
    execute: (command: string, options?: CommandOptions) => {
      started.push({ command, options });
      return executed;
    },
  } as RunningTask;
  const seen = { output: '', closed: undefined as unknown, ended: 0, chunks: [] as number[] };
  const client: MessageStream = new MessageStream({
    sends: 'input_stream_data',
    receives: 'output_stream_data',
    transmit: (bytes) => void queueMicrotask(() => session.receive(bytes)),
    deliver: (type, payload) => {
      if (type === PAYLOAD_TYPE.handshakeRequest) answerHandshake(payload);
      if (type === PAYLOAD_TYPE.handshakeComplete && sizeFirst)
        say(PAYLOAD_TYPE.size, '{"cols":100,"rows":40}');
      if (type === PAYLOAD_TYPE.output) {
        seen.output += payload.toString();
        seen.chunks.push(payload.length);
      }
    },
    onLost: () => undefined,
  });
  const say = (type: number, text: string) => client.send(type, Buffer.from(text));
  let refusal: string | undefined;
  function answerHandshake(payload: Buffer): void {
    expect(parseJsonPayload(payload)).toMatchObject({
      RequestedClientActions: [
        { ActionType: 'SessionType', ActionParameters: { SessionType: 'InteractiveCommands' } },
      ],
    });
    const processed = [{ ActionType: 'SessionType', ActionStatus: 1, ActionResult: null, Error: '' }];
    const errors = refusal === undefined ? null : [refusal];
    const response = { ClientVersion: '1.2.0.0', ProcessedClientActions: processed, Errors: errors };
    say(PAYLOAD_TYPE.handshakeResponse, JSON.stringify(response));
  }
  const session: RunningSession = new RunningSession({
    sessionId: 'ecs-execute-command-1',
    task,
    command: 'ls -l',
    transmit: (bytes) =>
      queueMicrotask(() => {
        const message = parseMessage(bytes);
        if (message?.type === 'channel_closed') seen.closed = parseJsonPayload(message.payload)?.Output;
        else if (message !== undefined) client.receive(message);
      }),
    onEnd: () => {
      seen.ended += 1;
    },
  });
  return {
    session,
    seen,
    say,
    started,
    sizes,
    stdin,
    stdout,
    exit: (given: Partial<TaskExit> = {}) => exit(given),
    killed: () => killed,
    refuse: (reason: string) => {
      refusal = reason;
    },
  };
}

const settle = (ms = 10) => vi.advanceTimersByTimeAsync(ms);

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('a session', () => {
  it('shakes hands, then runs the command at the size of the terminal, and tells its end', async () => {
    const { seen, started, stdout, exit, stdin } = open();
    await settle();
    expect(started).toEqual([{ command: 'ls -l', options: { tty: true, columns: 100, rows: 40 } }]);
    stdout.write('hello ☂');
    await settle();
    expect(seen).toMatchObject({ output: 'hello ☂', closed: undefined });
    stdout.end();
    exit();
    await settle();
    expect(seen).toMatchObject({ closed: '', ended: 1 });
    expect(stdin.readableLength).toBe(0);
  });

  it('starts without a size when none comes', async () => {
    const { started } = open(false);
    await settle(200);
    expect(started).toEqual([]);
    await settle(200);
    expect(started).toEqual([{ command: 'ls -l', options: { tty: true } }]);
  });

  it('carries keys and new sizes, and ignores sizes that are none', async () => {
    const { say, stdin, sizes } = open();
    await settle();
    say(PAYLOAD_TYPE.output, 'ls\r');
    say(PAYLOAD_TYPE.size, '{"cols":120,"rows":50}');
    for (const bad of [
      '{"cols":0,"rows":50}',
      '{"cols":1e9,"rows":1}',
      '[]',
      'nonsense',
      '{"cols":"a","rows":1}',
    ])
      say(PAYLOAD_TYPE.size, bad);
    await settle();
    expect(stdin.read()?.toString()).toBe('ls\r');
    expect(sizes).toEqual([[120, 50]]);
  });

  it('sends output in pieces as AWS does, and all of it before the end', async () => {
    const { seen, stdout, exit } = open();
    await settle();
    stdout.end(Buffer.alloc(1_000_000, 'x'));
    exit();
    await settle(1_000);
    expect(seen.output).toHaveLength(1_000_000);
    expect(Math.max(...seen.chunks)).toBe(1024);
    expect(seen).toMatchObject({ closed: '', ended: 1 });
  });

  it('tells why a command could not be run', async () => {
    const { seen, stdout, exit } = open();
    await settle();
    stdout.end();
    exit({ exitCode: 127, reason: 'exec: "ls": executable file not found in $PATH' });
    await settle();
    expect(seen.closed).toBe('exec: "ls": executable file not found in $PATH');
  });

  it.each([
    [
      'the client asks for it',
      (opened: ReturnType<typeof open>) => opened.say(PAYLOAD_TYPE.flag, '\0\0\0\u0002'),
    ],
    ['the channel is gone', (opened: ReturnType<typeof open>) => opened.session.close()],
  ])('kills the command when %s', async (_why, end) => {
    const opened = open();
    await settle();
    end(opened);
    await settle(6_000);
    expect(opened.killed()).toBeGreaterThan(0);
    expect(opened.seen.ended).toBe(1);
  });

  it('ends after twenty minutes without a byte', async () => {
    const { seen, stdout, killed } = open();
    await settle();
    await settle(19 * 60_000);
    stdout.write('x');
    await settle(19 * 60_000);
    expect(seen.closed).toBeUndefined();
    await settle(2 * 60_000);
    expect(seen.closed).toContain('inactivity');
    expect(killed()).toBeGreaterThan(0);
  });

  it('ends when the client refuses the handshake', async () => {
    const opened = open();
    opened.refuse('unknown session type');
    await settle();
    expect(opened.seen.closed).toContain('unknown session type');
    expect(opened.started).toEqual([]);
  });

  it('ends rather than keep input without bound for a command that reads none', async () => {
    const { seen, say } = open();
    await settle();
    for (let index = 0; index < 1_200; index += 1) say(PAYLOAD_TYPE.output, 'x'.repeat(1_024));
    await settle(100);
    expect(seen.closed).toContain('does not read');
  });

  it('ignores what is no message', async () => {
    const { session, seen } = open();
    await settle();
    for (const bytes of [Buffer.alloc(0), Buffer.from('{}'), Buffer.alloc(4_000, 255)])
      session.receive(bytes);
    await settle();
    expect(seen.ended).toBe(0);
  });
});
