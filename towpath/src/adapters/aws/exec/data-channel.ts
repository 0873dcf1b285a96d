/**
 * One session of ECS Exec from the client's side: opens the data channel, answers the handshake, carries bytes until
 * either side ends it. What AWS's session-manager-plugin does, so that nobody needs to install it.
 */
import { randomUUID } from 'node:crypto';
import { type RawData, WebSocket } from 'ws';
import {
  type AgentMessage,
  PAYLOAD_TYPE,
  parseJsonPayload,
  parseMessage,
  TERMINATE_SESSION,
} from '../../../../../session-protocol/agent-message.ts';
import { MessageStream } from '../../../../../session-protocol/message-stream.ts';
import { TowpathError } from '../../../domain/errors.ts';
import type { CommandEnd, CommandTerminal } from '../../../ports.ts';
import { decideHandshake } from './handshake.ts';

const CONNECT_TIMEOUT_MS = 15_000;
/** From the open channel to the first output: the agent has to be woken and the command to be started. */
const HANDSHAKE_TIMEOUT_MS = 30_000;
/** AWS's agent takes input in pieces of this size. */
const MAX_INPUT_CHUNK_BYTES = 1024;
/** Input waits while so many messages are unacknowledged. */
const MAX_UNACKNOWLEDGED = 100;
/** A channel that answered no ping between two of them is dead. */
const PING_EVERY_MS = 30_000;
const MAX_FRAME_BYTES = 1024 * 1024;
/** After our close, before the connection is cut. */
const CLOSE_TIMEOUT_MS = 1_000;

export interface DataChannelOptions {
  readonly streamUrl: string;
  readonly tokenValue: string;
  readonly terminal: CommandTerminal;
  readonly signal: AbortSignal | undefined;
}

/** @throws TowpathError `EXEC_FAILED` when the channel can't be opened or breaks; the signal's reason when aborted */
export function runDataChannel(options: DataChannelOptions): Promise<CommandEnd> {
  return new Promise((resolve, reject) => {
    const channel = new DataChannel(options, (outcome) => {
      if ('error' in outcome) reject(outcome.error);
      else resolve(outcome);
    });
    channel.open();
  });
}

type Outcome = CommandEnd | { readonly error: unknown };

class DataChannel {
  readonly #options: DataChannelOptions;
  readonly #settle: (outcome: Outcome) => void;
  readonly #socket: WebSocket;
  readonly #stream: MessageStream;
  readonly #cleanups: (() => void)[] = [];
  #exitCode: number | undefined;
  #settled = false;
  #heard = true;
  /** Output that the terminal has not taken yet; the end waits for it. */
  #writing: Promise<void> = Promise.resolve();

  constructor(options: DataChannelOptions, settle: (outcome: Outcome) => void) {
    this.#options = options;
    this.#settle = settle;
    this.#socket = new WebSocket(options.streamUrl, {
      handshakeTimeout: CONNECT_TIMEOUT_MS,
      maxPayload: MAX_FRAME_BYTES,
      perMessageDeflate: false,
    });
    this.#stream = new MessageStream({
      sends: 'input_stream_data',
      receives: 'output_stream_data',
      transmit: (bytes) => {
        if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(bytes, { binary: true });
      },
      deliver: (type, payload) => this.#take(type, payload),
      onLost: () => this.#fail('The other side of the session acknowledges nothing any more.'),
    });
  }

  open(): void {
    const { signal, tokenValue } = this.#options;
    const abort = () => {
      this.#sendFlag(TERMINATE_SESSION);
      this.#finish({ error: signal?.reason });
    };
    this.#socket.on('error', (error) => this.#fail(`The session's channel failed: ${error.message}`));
    if (signal?.aborted) {
      abort();
      return;
    }
    signal?.addEventListener('abort', abort, { once: true });
    this.#cleanups.push(() => signal?.removeEventListener('abort', abort));
    const handshake = setTimeout(
      () => this.#fail(`The task's agent did not answer within ${HANDSHAKE_TIMEOUT_MS / 1000} s.`),
      CONNECT_TIMEOUT_MS + HANDSHAKE_TIMEOUT_MS,
    );
    this.#cleanups.push(() => clearTimeout(handshake));
    this.#socket.on('open', () => {
      const request = { MessageSchemaVersion: '1.0', RequestId: randomUUID(), TokenValue: tokenValue };
      this.#socket.send(JSON.stringify({ ...request, ClientId: randomUUID() }));
      this.#keepAlive();
    });
    this.#socket.on('message', (data) => this.#receive(data, handshake));
    this.#socket.on('pong', () => {
      this.#heard = true;
    });
    this.#socket.on('close', (code, reason) => {
      const why = reason.length === 0 ? `code ${code}` : reason.toString();
      this.#fail(`The connection to the task was closed (${why}).`);
    });
  }

  #receive(data: RawData, handshake: NodeJS.Timeout): void {
    const message = parseMessage(asBuffer(data));
    if (message === undefined || this.#settled) return;
    this.#heard = true;
    if (message.type === 'output_stream_data') clearTimeout(handshake);
    if (message.type === 'channel_closed') this.#takeClosed(message);
    else this.#stream.receive(message);
  }

  #take(type: number, payload: Buffer): void {
    if (type === PAYLOAD_TYPE.handshakeRequest) this.#answerHandshake(payload);
    else if (type === PAYLOAD_TYPE.handshakeComplete) this.#begin(payload);
    else if (type === PAYLOAD_TYPE.output || type === PAYLOAD_TYPE.standardError) this.#write(payload);
    else if (type === PAYLOAD_TYPE.exitCode) this.#exitCode = parseExitCode(payload);
  }

  #answerHandshake(payload: Buffer): void {
    const { response, refusal } = decideHandshake(payload);
    this.#stream.send(PAYLOAD_TYPE.handshakeResponse, Buffer.from(JSON.stringify(response)));
    if (refusal !== undefined) this.#fail(refusal);
  }

  /** From now on the command takes input. */
  #begin(payload: Buffer): void {
    const { CustomerMessage: notice } = parseJsonPayload(payload) ?? {};
    if (typeof notice === 'string' && notice !== '') this.#write(Buffer.from(`${notice}\r\n`));
    const { terminal } = this.#options;
    const tellSize = () => {
      const size = terminal.size();
      if (size === undefined) return;
      const content = JSON.stringify({ cols: size.columns, rows: size.rows });
      this.#stream.send(PAYLOAD_TYPE.size, Buffer.from(content));
    };
    tellSize();
    this.#cleanups.push(terminal.onResize(tellSize));
    if (terminal.input !== undefined) void this.#carryInput(terminal.input);
  }

  async #carryInput(input: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const chunk of input) {
        for (let start = 0; start < chunk.length; start += MAX_INPUT_CHUNK_BYTES) {
          await this.#stream.drainedTo(MAX_UNACKNOWLEDGED - 1);
          const piece = chunk.subarray(start, start + MAX_INPUT_CHUNK_BYTES);
          this.#stream.send(PAYLOAD_TYPE.output, Buffer.from(piece));
        }
        if (this.#settled) return;
      }
    } catch {
      // A terminal that is gone: its end is told by the signal that comes with it.
    }
  }

  /** Takes nothing more from the network until the terminal has room. */
  #write(bytes: Buffer): void {
    let room: Promise<void> | undefined;
    try {
      room = this.#options.terminal.write(bytes);
    } catch (error) {
      this.#finish({ error });
      return;
    }
    if (room === undefined) return;
    this.#socket.pause();
    this.#writing = Promise.all([this.#writing, room]).then(
      () => this.#socket.resume(),
      (error: unknown) => this.#finish({ error }),
    );
  }

  #takeClosed(message: AgentMessage): void {
    const output = parseJsonPayload(message.payload)?.Output;
    const reason = typeof output === 'string' && output !== '' ? output : undefined;
    void this.#writing.then(() => this.#finish({ exitCode: this.#exitCode, reason }));
  }

  #sendFlag(flag: number): void {
    const payload = Buffer.alloc(4);
    payload.writeUInt32BE(flag);
    this.#stream.send(PAYLOAD_TYPE.flag, payload);
  }

  #keepAlive(): void {
    const timer = setInterval(() => {
      if (!this.#heard) return this.#fail('The connection to the task is dead: no answer to a ping.');
      this.#heard = false;
      this.#socket.ping();
    }, PING_EVERY_MS);
    this.#cleanups.push(() => clearInterval(timer));
  }

  #fail(message: string): void {
    const error = new TowpathError('EXEC_FAILED', message, {
      hint: 'run the same command again; towpath status shows whether the task still runs',
    });
    this.#finish({ error });
  }

  #finish(outcome: Outcome): void {
    if (this.#settled) return;
    this.#settled = true;
    for (const clean of this.#cleanups) clean();
    this.#stream.close();
    this.#socket.resume();
    this.#socket.close();
    setTimeout(() => this.#socket.terminate(), CLOSE_TIMEOUT_MS).unref();
    this.#settle(outcome);
  }
}

/** The agent writes it as a decimal number. */
function parseExitCode(payload: Buffer): number | undefined {
  const text = payload.toString('utf8').trim();
  return /^\d{1,3}$/.test(text) ? Number(text) : undefined;
}

function asBuffer(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
