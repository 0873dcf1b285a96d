/** One connection of a client: takes its bytes apart into requests, one after the other, and closes it in time. */
import type { Socket } from 'node:net';
import {
  type BalancerAnswer,
  renderAnswer,
  renderErrorPage,
  renderFixedResponse,
  renderRedirect,
} from './balancer-answer.ts';
import { Exchange } from './exchange.ts';
import type { Decision, ExchangeClient, ListenerWork } from './forwarding.ts';
import { MAX_HEAD_BYTES, parseRequestHead, type RequestHead } from './message-head.ts';
import { acceptReading } from './read-buffer.ts';

/** After its last answer a client may still be sending; closed at once, it would not get to read that answer. */
const LINGER_MS = 2_000;
const MAX_LINGER_BYTES = 16 * 1024 * 1024;
/** What may wait while a request is being answered: the next head, and no more. */
const MAX_WAITING_BYTES = MAX_HEAD_BYTES;
const HEAD_END = Buffer.from('\r\n\r\n');
const HEAD_END_BYTES = HEAD_END.length;
const LINE_END_BYTES = HEAD_END_BYTES / 2;
const CR = 0x0d;
const LF = 0x0a;

export class ClientConnection implements ExchangeClient {
  readonly socket: Socket;
  readonly address: string;
  readonly port: number;
  /** Read for each request: a listener that changes changes for the next one. undefined: there is no listener. */
  readonly #work: () => ListenerWork | undefined;
  #waiting: Buffer | undefined;
  #waitingBytes = 0;
  #exchange: Exchange | undefined;
  #consuming = false;
  #closing = false;
  #lingerBytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(accepted: Socket, work: () => ListenerWork | undefined) {
    const socket = acceptReading(accepted, (bytes) => this.#onData(bytes));
    this.socket = socket;
    this.address = socket.remoteAddress ?? '127.0.0.1';
    this.port = socket.remotePort ?? 0;
    this.#work = work;
    socket.on('drain', () => this.#exchange?.onClientDrain());
    socket.on('timeout', () => {
      if (this.#exchange !== undefined) this.#exchange.onClientIdle();
      else if (this.#waitingBytes === 0) socket.destroy();
      // A head that does not come to its end has a timer of its own.
    });
    socket.on('end', () => {
      if (this.#exchange?.onClientEnd() === true) return;
      if (this.#exchange === undefined) socket.end();
      else socket.destroy();
    });
    socket.on('error', () => undefined); // 'close' follows
    socket.once('close', () => {
      clearTimeout(this.#timer);
      this.#closing = true;
      const exchange = this.#exchange;
      this.#exchange = undefined;
      exchange?.onClientClosed();
    });
  }

  onAnswered(keepAlive: boolean): void {
    this.#exchange = undefined;
    if (!keepAlive) {
      this.#close();
      return;
    }
    if (this.#consuming) return; // whoever is taking bytes apart goes on
    if (this.#waiting !== undefined) this.#consume(this.#takeWaiting());
    if (this.socket.isPaused() && this.#waitingBytes <= MAX_WAITING_BYTES) this.socket.resume();
  }

  #onData(chunk: Buffer): void {
    if (this.#closing) {
      this.#lingerBytes += chunk.length;
      if (this.#lingerBytes > MAX_LINGER_BYTES) this.socket.destroy();
      return;
    }
    if (this.#waiting === undefined) {
      this.#consume(chunk);
      return;
    }
    // No head ends where none did before: only the seam and what is new are looked at.
    const searched = Math.max(0, this.#waitingBytes - HEAD_END_BYTES);
    this.#wait(chunk);
    if (this.#exchange === undefined) {
      const end = this.#waiting.subarray(0, this.#waitingBytes).indexOf(HEAD_END, searched);
      if (end >= 0 || this.#waitingBytes > MAX_HEAD_BYTES) this.#consume(this.#takeWaiting(), searched);
    } else if (!this.#exchange.requestComplete) this.#consume(this.#takeWaiting());
  }

  #consume(bytes: Buffer, searchFrom = 0): void {
    this.#consuming = true;
    let at = 0;
    let searched = searchFrom;
    while (at < bytes.length && !this.#closing) {
      if (this.#exchange !== undefined) {
        if (this.#exchange.requestComplete) break;
        at = this.#exchange.onClientData(bytes, at);
        continue;
      }
      // Empty lines before a request are ignored, as RFC 9112 advises.
      if (bytes[at] === CR && bytes[at + 1] === LF) {
        at += 2;
        continue;
      }
      const end = bytes.indexOf(HEAD_END, Math.max(at, searched));
      searched = 0;
      if (end < 0 || end - at > MAX_HEAD_BYTES) {
        if (bytes.length - at > MAX_HEAD_BYTES) this.#refuse(400);
        break;
      }
      at = this.#begin(bytes, at, end);
    }
    this.#consuming = false;
    if (at < bytes.length && !this.#closing) this.#wait(at === 0 ? bytes : bytes.subarray(at));
    this.#watchHead();
  }

  /** @returns where the request ends, as far as it has come */
  #begin(bytes: Buffer, at: number, end: number): number {
    const work = this.#work();
    if (work === undefined) {
      this.socket.destroy();
      return bytes.length;
    }
    const head = parseRequestHead(at === 0 ? bytes : bytes.subarray(at), end - at + LINE_END_BYTES);
    if (typeof head === 'number') {
      this.#refuse(head);
      return bytes.length;
    }
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const bodyAt = end + HEAD_END_BYTES;
    const exchange = new Exchange(this, head, work, bodyAt - at);
    this.#exchange = exchange;
    const own = ownAnswer(head, exchange.decision, work);
    return own === undefined ? exchange.start(bytes, bodyAt) : exchange.answer(own, bytes, bodyAt);
  }

  #wait(bytes: Buffer): void {
    const needed = this.#waitingBytes + bytes.length;
    if (this.#waiting === undefined || this.#waiting.length < needed) {
      const roomier = Buffer.allocUnsafe(needed * 2);
      this.#waiting?.copy(roomier, 0, 0, this.#waitingBytes);
      this.#waiting = roomier;
    }
    bytes.copy(this.#waiting, this.#waitingBytes);
    this.#waitingBytes = needed;
    if (this.#exchange !== undefined && needed > MAX_WAITING_BYTES) this.socket.pause();
  }

  #takeWaiting(): Buffer {
    const bytes = this.#waiting?.subarray(0, this.#waitingBytes) ?? Buffer.alloc(0);
    this.#waiting = undefined;
    this.#waitingBytes = 0;
    return bytes;
  }

  /** A head must be whole within the idle timeout of its first byte, however busily its bytes trickle in. */
  #watchHead(): void {
    if (this.#waitingBytes === 0 || this.#exchange !== undefined || this.#closing) return;
    const limitMs = this.#work()?.facts.idleTimeoutMs ?? 0;
    this.#timer ??= setTimeout(() => this.#refuse(408), limitMs);
  }

  #refuse(status: 400 | 408 | 414 | 501 | 505): void {
    if (this.#closing || this.socket.destroyed) return;
    const answer = renderErrorPage(status);
    this.socket.write(renderAnswer(answer, { keepAlive: false, withBody: true, date: new Date() }));
    this.#work()?.refused(status);
    this.#close();
  }

  #close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#waiting = undefined;
    this.socket.end();
    if (this.socket.isPaused()) this.socket.resume();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.socket.destroy(), LINGER_MS);
  }
}

/** What needs no target, or undefined when the request is to be forwarded. */
function ownAnswer(head: RequestHead, { action }: Decision, work: ListenerWork): BalancerAnswer | undefined {
  if (head.method === 'TRACE' || head.method === 'CONNECT') return renderErrorPage(405);
  switch (action.type) {
    case 'forward':
      return undefined;
    case 'fixed-response':
      return renderFixedResponse(action);
    case 'redirect': {
      const from = { host: head.host ?? '', url: head.url, ...work.facts };
      return renderRedirect(action, from, (port) => work.localPortOf(port));
    }
  }
}
