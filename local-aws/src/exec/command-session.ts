/**
 * One session of ECS Exec on its data channel: handshake, the command with its terminal, the end.
 * The part that is SSM's agent on AWS. Knows messages, not sockets.
 */
import { randomUUID } from 'node:crypto';
import {
  PAYLOAD_TYPE,
  parseJsonPayload,
  parseMessage,
  renderMessage,
  TERMINATE_SESSION,
} from '../../../session-protocol/agent-message.ts';
import { MessageStream } from '../../../session-protocol/message-stream.ts';
import type { ExecutedCommand, RunningTask } from '../contract.ts';

/** As on AWS. */
const maxOutputChunkBytes = 1024;
/** Output waits while so many messages are unacknowledged; the plugin keeps 10 000 that come early. */
const maxUnacknowledged = 512;
const handshakeTimeoutMs = 15_000;
/** After the handshake a client with a terminal tells its size; the command waits so long for it. */
const sizeTimeoutMs = 300;
/** As on AWS, where it can't be changed; real time, since a person sits there. */
const idleTimeoutMs = 20 * 60_000;
/** Input that the command has not read. */
const maxPendingInputBytes = 1024 * 1024;
/** The client gets this long to take the rest of the output. */
const drainTimeoutMs = 5_000;
/** Terminals are at most so wide and high. */
const maxSize = 10_000;
/** Old enough to know what the session does with sizes and flags (see the plugin's version checks). */
const agentVersion = '3.3.1230.0';

export interface CommandSessionOptions {
  readonly sessionId: string;
  readonly task: RunningTask;
  readonly command: string;
  readonly transmit: (bytes: Buffer) => void;
  /** Closes the data channel; called once. */
  readonly onEnd: () => void;
}

export class RunningSession {
  readonly #options: CommandSessionOptions;
  readonly #stream: MessageStream;
  readonly #startedAtMs = Date.now();
  #executed: ExecutedCommand | undefined;
  #size: { readonly columns: number; readonly rows: number } | undefined;
  #state: 'handshake' | 'running' | 'ending' | 'ended' = 'handshake';
  #pendingInputBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  /** Begins with the handshake. */
  constructor(options: CommandSessionOptions) {
    this.#options = options;
    this.#stream = new MessageStream({
      sends: 'output_stream_data',
      receives: 'input_stream_data',
      transmit: options.transmit,
      deliver: (type, payload) => this.#take(type, payload),
      onLost: () => this.close(),
    });
    this.#sendJson(PAYLOAD_TYPE.handshakeRequest, {
      AgentVersion: agentVersion,
      RequestedClientActions: [
        {
          ActionType: 'SessionType',
          ActionParameters: {
            SessionType: 'InteractiveCommands',
            Properties: { linux: { commands: options.command } },
          },
        },
      ],
    });
    this.#within(handshakeTimeoutMs, 'The client did not answer the handshake.');
  }

  /** Bytes of one binary websocket message; what is no message of the protocol is ignored. */
  receive(bytes: Buffer): void {
    const message = parseMessage(bytes);
    if (message !== undefined) this.#stream.receive(message);
  }

  /** The channel is gone, or is to go: the command ends with it. Idempotent. */
  close(): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    clearTimeout(this.#timer);
    this.#executed?.kill();
    this.#stream.close();
    this.#options.onEnd();
  }

  #take(type: number, payload: Buffer): void {
    if (this.#state === 'ending' || this.#state === 'ended') return;
    if (type === PAYLOAD_TYPE.handshakeResponse) this.#takeHandshake(payload);
    else if (type === PAYLOAD_TYPE.size) this.#resize(payload);
    else if (
      type === PAYLOAD_TYPE.flag &&
      payload.length === 4 &&
      payload.readUInt32BE(0) === TERMINATE_SESSION
    )
      this.#end('');
    else if (type === PAYLOAD_TYPE.output) this.#type(payload);
  }

  #takeHandshake(payload: Buffer): void {
    if (this.#state !== 'handshake') return;
    const errors = parseJsonPayload(payload)?.Errors;
    if (Array.isArray(errors) && errors.length > 0) {
      this.#end(`The client refused the handshake: ${errors.map(String).join('; ')}`);
      return;
    }
    this.#state = 'running';
    this.#sendJson(PAYLOAD_TYPE.handshakeComplete, {
      // A Go duration: nanoseconds.
      HandshakeTimeToComplete: (Date.now() - this.#startedAtMs) * 1_000_000,
      CustomerMessage: '',
    });
    setTimeout(() => this.#start(), sizeTimeoutMs).unref();
  }

  /** The size of the terminal comes first, where there is one: a command looks at it when it starts. */
  #start(): void {
    if (this.#state !== 'running' || this.#executed !== undefined) return;
    const { task, command } = this.#options;
    try {
      this.#executed = task.execute(command, { tty: true, ...this.#size });
    } catch (error) {
      this.#end(`Unable to start command: ${error instanceof Error ? error.message : String(error)}`);
      return;
    }
    const { stdout, stderr, stdin, exited } = this.#executed;
    stdin.on('error', () => undefined);
    this.#touch();
    const outputs = [stdout, ...(stderr === undefined ? [] : [stderr])].map((output) => this.#pump(output));
    void exited.then(async ({ reason }) => {
      await Promise.race([Promise.all(outputs), delay(drainTimeoutMs)]);
      this.#end(reason ?? '');
    });
  }

  async #pump(output: NodeJS.ReadableStream): Promise<void> {
    try {
      for await (const chunk of output) {
        const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk);
        for (let start = 0; start < bytes.length; start += maxOutputChunkBytes) {
          await this.#stream.drainedTo(maxUnacknowledged - 1);
          this.#stream.send(PAYLOAD_TYPE.output, bytes.subarray(start, start + maxOutputChunkBytes));
        }
        this.#touch();
      }
    } catch {
      // The command's end tells what there is to tell.
    }
  }

  #type(payload: Buffer): void {
    this.#touch();
    this.#start();
    if (this.#executed === undefined) return;
    this.#pendingInputBytes += payload.length;
    if (this.#pendingInputBytes > maxPendingInputBytes) {
      this.#end('The command does not read what is sent to it.');
      return;
    }
    this.#executed.stdin.write(payload, () => {
      this.#pendingInputBytes -= payload.length;
    });
  }

  #resize(payload: Buffer): void {
    const size = parseJsonPayload(payload);
    const columns = size?.cols;
    const rows = size?.rows;
    if (!isSize(columns) || !isSize(rows)) return;
    this.#size = { columns, rows };
    if (this.#executed === undefined) this.#start();
    else this.#executed.resize?.(columns, rows);
  }

  /** Says goodbye when the client has taken all output, or takes none. @param output why; empty for an ordinary end */
  #end(output: string): void {
    if (this.#state === 'ending' || this.#state === 'ended') return;
    this.#state = 'ending';
    clearTimeout(this.#timer);
    this.#executed?.kill();
    void Promise.race([this.#stream.drainedTo(0), delay(drainTimeoutMs)]).then(() => {
      if (this.#state === 'ended') return;
      const content = {
        MessageId: randomUUID(),
        CreatedDate: new Date().toISOString(),
        DestinationId: this.#options.sessionId,
        SessionId: this.#options.sessionId,
        MessageType: 'channel_closed',
        SchemaVersion: 1,
        Output: output,
      };
      this.#options.transmit(
        renderMessage({
          type: 'channel_closed',
          sequence: 0,
          flags: 3,
          id: content.MessageId,
          createdAt: Date.now(),
          payloadType: 0,
          payload: Buffer.from(JSON.stringify(content)),
        }),
      );
      this.close();
    });
  }

  #sendJson(type: number, content: object): void {
    this.#stream.send(type, Buffer.from(JSON.stringify(content)));
  }

  #touch(): void {
    if (this.#state === 'running') this.#within(idleTimeoutMs, 'Your session timed out due to inactivity.');
  }

  #within(ms: number, reason: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#end(reason), ms);
    this.#timer.unref();
  }
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= maxSize;
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
