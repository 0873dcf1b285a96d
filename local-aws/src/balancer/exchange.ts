/** One request through the load balancer and its response back, both streamed, with what it did on the way. */
import { AnswerHeadReader } from './answer-head-reader.ts';
import type { BalancedTarget } from './balanced-target.ts';
import { type BalancerAnswer, renderAnswer, renderErrorPage } from './balancer-answer.ts';
import { BodyReader } from './body-reader.ts';
import { type Decision, type ExchangeClient, type ListenerWork, renderForwarded } from './forwarding.ts';
import { destroyAfterWrites, writeHeld } from './held-writes.ts';
import { isRepeatable, MAX_HEAD_BYTES, type RequestHead, type ResponseHead } from './message-head.ts';
import { ExchangeNotes } from './request-record.ts';
import { CONNECT_TIMEOUT_MS, type ConnectionUser, type TargetConnection } from './target-connections.ts';
import { type ClientFraming, renderClientHead, renderUpgradeHead } from './target-head.ts';
import { UpgradeTunnel } from './upgrade-tunnel.ts';
import { writeAnswer, writeRequestBody } from './write-body.ts';

const MAX_ATTEMPTS = 2;
/** Of a body that nobody wants any more, as the answer is there; then the connection is closed instead. */
const MAX_UNWANTED_BYTES = 64 * 1024 * 1024;
/** As AWS logs a client that was gone before its answer. */
const CLIENT_GONE = 460;

export class Exchange implements ConnectionUser {
  readonly #client: ExchangeClient;
  readonly #head: RequestHead;
  readonly #work: ListenerWork;
  readonly decision: Decision;
  readonly #body: BodyReader;
  readonly #notes: ExchangeNotes;
  #targetHead = '';
  #attempt = 0;
  #target: BalancedTarget | undefined;
  #connection: TargetConnection | undefined;
  #answer: ResponseHead | undefined;
  #answerBody: BodyReader | undefined;
  #framing: ClientFraming = 'none';
  #keepAlive = false;
  readonly #answerHead = new AnswerHeadReader();
  #tunnel: UpgradeTunnel | undefined;
  /** What the client said in the other protocol before the target agreed to it. */
  #early: Buffer | undefined;
  #connectTimer: NodeJS.Timeout | undefined;
  #unwanted = 0;
  #answered = false;
  #handedBack = false;
  #reported = false;

  constructor(client: ExchangeClient, head: RequestHead, work: ListenerWork, headBytes: number) {
    this.#client = client;
    this.#head = head;
    this.#work = work;
    this.#body = new BodyReader(head.framing);
    const decision = work.decide(head, client.address);
    this.decision = decision;
    this.#notes = new ExchangeNotes({ head, client, facts: work.facts, decision });
    this.#notes.receivedBytes = headBytes;
    const rendered = renderForwarded(head, client, work.facts, this.#notes.createdAt);
    this.#targetHead = rendered.text;
    this.#notes.trace = rendered.trace;
  }

  /** Whether what the client sends next belongs to something else. */
  get requestComplete(): boolean {
    return this.#body.complete && this.#tunnel === undefined && this.#head.upgrade === undefined;
  }

  /** Without asking a target. @returns where in `bytes` the request ends */
  answer(own: BalancerAnswer, bytes: Buffer, from: number): number {
    const end = this.onClientData(bytes, from);
    this.#notes.redirectUrl = own.headers.find(([name]) => name === 'Location')?.[1];
    this.#answerItself(own);
    return end;
  }

  /** Asks a target. @returns where in `bytes` the request ends */
  start(bytes: Buffer, from: number): number {
    const whole = this.#body.complete;
    if (!whole && this.#head.expectsContinue) {
      this.#client.socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');
    }
    this.#ask();
    return whole ? from : this.onClientData(bytes, from);
  }

  /** @returns where in `bytes` the request ends */
  onClientData(bytes: Buffer, from: number): number {
    if (this.#tunnel !== undefined || this.#head.upgrade !== undefined)
      return this.#onUpgradeData(bytes, from);
    const upstream = this.#connection?.socket;
    let end: number;
    try {
      end = this.#body.read(bytes, from, (data) => this.#passToTarget(data));
    } catch {
      this.#notes.receivedBytes += bytes.length - from;
      this.#fail(400);
      return bytes.length;
    }
    this.#notes.receivedBytes += end - from;
    if (!this.#body.complete) return end;
    if (this.#head.framing.kind === 'chunked' && upstream?.writable === true)
      upstream.write('0\r\n\r\n', 'latin1');
    if (this.#answered) this.#handBack(this.#keepAlive);
    return end;
  }

  #passToTarget(data: Buffer): void {
    const upstream = this.#connection?.socket;
    if (upstream === undefined || !upstream.writable) {
      this.#unwanted += data.length;
      if (this.#unwanted > MAX_UNWANTED_BYTES) this.#client.socket.destroy();
      return;
    }
    writeRequestBody(upstream, this.#head.framing, data);
    if (upstream.writableNeedDrain) this.#client.socket.pause();
  }

  #ask(): void {
    const chosen = this.decision.choose();
    this.#notes.targetGroupArn = chosen?.targetGroupArn;
    const target = chosen?.target;
    this.#target = target;
    this.#notes.target = target?.target;
    if (target === undefined) {
      this.#fail(503);
      return;
    }
    if (target.target.reachable?.() === false) {
      // Security groups drop the connection: nobody answers, and the load balancer gives up.
      this.#connectTimer = setTimeout(() => {
        this.#notes.connectionFailed = true;
        this.#fail(504);
      }, CONNECT_TIMEOUT_MS);
      return;
    }
    this.#attempt += 1;
    // A kept connection may be closed at the other end while a request is sent: only for what can be repeated.
    const fresh = !isRepeatable(this.#head) || this.#attempt > 1 || this.#head.upgrade !== undefined;
    const connection = target.connections.take(fresh, this.#notes.startedAt);
    this.#connection = connection;
    connection.use(this, this.#work.facts.idleTimeoutMs);
    this.#notes.sentAt = this.#attempt === 1 ? this.#notes.startedAt : performance.now();
    writeHeld(connection.socket, this.#targetHead);
  }

  // ---------------------------------------------------------------- from the target

  onTargetData(chunk: Buffer): void {
    if (this.#tunnel !== undefined) {
      this.#notes.sentBytes += chunk.length;
      this.#tunnel.toClient(chunk);
    } else if (this.#answer === undefined) this.#onAnswerHead(chunk);
    else this.#passToClient('', chunk, 0);
  }

  #onAnswerHead(chunk: Buffer): void {
    const found = this.#answerHead.read(chunk, this.#head);
    if (found === 'malformed') this.#fail(502);
    else if (found !== 'incomplete') this.#onAnswer(found.answer, found.bytes, found.from);
  }

  #onAnswer(answer: ResponseHead, bytes: Buffer, from: number): void {
    this.#answer = answer;
    this.#notes.targetStatus = answer.status;
    this.#notes.answeredAt = performance.now();
    this.#notes.elbStatus = answer.status;
    if (answer.status === 101) {
      this.#openTunnel(answer, bytes.subarray(from));
      return;
    }
    const { text, framing, keepAlive } = renderClientHead(answer, this.#head);
    this.#framing = framing;
    this.#keepAlive = keepAlive;
    this.#answerBody = new BodyReader(answer.framing);
    this.#passToClient(text, bytes, from);
  }

  /** Writes what has come of the answer; the head and a small body leave in one piece. */
  #passToClient(head: string, bytes: Buffer, from: number): void {
    const body = this.#answerBody;
    if (body === undefined) return;
    const pieces: Buffer[] = [];
    let end: number;
    try {
      end = body.read(bytes, from, (data) => pieces.push(data));
    } catch {
      this.#cutOff(head === '');
      return;
    }
    this.#write(head, pieces, body.complete);
    if (body.complete) this.#onAnswerComplete(end === bytes.length);
  }

  #write(head: string, pieces: readonly Buffer[], last: boolean): void {
    const { socket } = this.#client;
    if (socket.destroyed) return;
    this.#notes.sentBytes += writeAnswer(socket, this.#framing, { head, pieces, last });
    if (socket.writableNeedDrain && !last) this.#connection?.socket.pause();
  }

  #onAnswerComplete(nothingFollows: boolean): void {
    const now = performance.now();
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection !== undefined) {
      const reusable =
        nothingFollows &&
        this.#body.complete &&
        this.#answer?.keepAlive === true &&
        this.#head.upgrade === undefined;
      if (reusable) this.#target?.connections.release(connection, now);
      else connection.discard();
    }
    this.#answered = true;
    this.#report(now);
    // A target may answer without reading the whole body: the rest is read away, so that the client sees the answer.
    if (this.#body.complete) this.#handBack(this.#keepAlive);
    else this.#client.socket.resume();
  }

  #handBack(keepAlive: boolean): void {
    if (this.#handedBack) return;
    this.#handedBack = true;
    this.#client.onAnswered(keepAlive);
  }

  /** The target ended in the midst of its answer: so does the client's copy. */
  #cutOff(begun: boolean): void {
    this.#dropTarget();
    if (!begun) {
      this.#fail(502);
      return;
    }
    this.#notes.elbStatus = 502;
    this.#report();
    destroyAfterWrites(this.#client.socket);
  }

  onTargetEnd(): void {
    if (this.#tunnel !== undefined) {
      this.#tunnel.onTargetEnd();
      return;
    }
    if (this.#answerBody?.end() === true) {
      this.#write('', [], true);
      this.#onAnswerComplete(false);
    } else this.onTargetClosed();
  }

  onTargetClosed(): void {
    if (this.#tunnel !== undefined) {
      this.#tunnel.close();
      this.#report();
      return;
    }
    const connection = this.#connection;
    if (connection === undefined) return;
    const stale =
      connection.reused &&
      this.#answer === undefined &&
      !this.#answerHead.begun &&
      this.#attempt < MAX_ATTEMPTS;
    this.#notes.connectionFailed = !connection.connected;
    this.#dropTarget();
    if (stale) this.#ask();
    else this.#cutOff(this.#answer !== undefined);
  }

  onTargetIdle(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    if (this.#tunnel !== undefined) {
      this.#tunnel.close();
      return;
    }
    // Who waits for a slow reader, or for the rest of a request, is not idle by its own fault.
    if (this.#answer !== undefined && this.#client.socket.writableNeedDrain) return;
    if (!this.#body.complete && connection.connected && !connection.socket.writableNeedDrain) {
      this.onClientIdle();
      return;
    }
    this.#notes.connectionFailed = !connection.connected;
    this.#dropTarget();
    if (this.#answer === undefined) this.#fail(504);
    else this.#cutOff(true);
  }

  onTargetDrain(): void {
    if (this.#tunnel !== undefined) this.#tunnel.onTargetDrain();
    else this.#client.socket.resume();
  }

  // ---------------------------------------------------------------- from the client

  onClientDrain(): void {
    if (this.#tunnel !== undefined) this.#tunnel.onClientDrain();
    else this.#connection?.socket.resume();
  }

  /** The client's connection was idle for the whole timeout. */
  onClientIdle(): void {
    const { socket } = this.#client;
    if (this.#tunnel !== undefined || socket.writableNeedDrain) {
      socket.destroy(); // it does not read
      return;
    }
    const waitsForClient = !this.#body.complete && this.#connection?.socket.writableNeedDrain !== true;
    if (!waitsForClient) return; // the target is what everybody waits for: its own timeout decides
    this.#dropTarget();
    if (this.#answer === undefined) this.#fail(408);
    else socket.destroy();
  }

  /** @returns whether the connection stays: half a tunnel may go on */
  onClientEnd(): boolean {
    if (this.#tunnel === undefined) return false;
    this.#tunnel.onClientEnd();
    return true;
  }

  /** The client is gone: whatever its target is doing is for nobody. */
  onClientClosed(): void {
    clearTimeout(this.#connectTimer);
    this.#tunnel?.close();
    this.#dropTarget();
    if (this.#tunnel === undefined && !this.#answered) this.#notes.elbStatus = CLIENT_GONE;
    this.#report();
  }

  // ---------------------------------------------------------------- upgrades

  /** Early bytes of the other protocol, which wait for the target's consent. */
  #onUpgradeData(bytes: Buffer, from: number): number {
    const data = bytes.subarray(from);
    this.#notes.receivedBytes += data.length;
    if (this.#tunnel !== undefined) this.#tunnel.toTarget(data);
    else {
      this.#early = this.#early === undefined ? Buffer.from(data) : Buffer.concat([this.#early, data]);
      if (this.#early.length > MAX_HEAD_BYTES) this.#client.socket.pause();
    }
    return bytes.length;
  }

  #openTunnel(answer: ResponseHead, first: Buffer): void {
    const upstream = this.#connection?.socket;
    if (upstream === undefined) return;
    const { socket } = this.#client;
    const head = renderUpgradeHead(answer);
    socket.write(head, 'latin1');
    this.#notes.sentBytes += head.length + first.length;
    this.#tunnel = new UpgradeTunnel(socket, upstream);
    if (first.length > 0) this.#tunnel.toClient(first);
    if (this.#early !== undefined) this.#tunnel.toTarget(this.#early);
    this.#early = undefined;
    socket.resume();
  }

  // ---------------------------------------------------------------- the end

  #dropTarget(): void {
    this.#connection?.discard();
    this.#connection = undefined;
  }

  #fail(status: 400 | 408 | 502 | 503 | 504): void {
    this.#dropTarget();
    if (this.#answered || this.#answer !== undefined) {
      destroyAfterWrites(this.#client.socket);
      return;
    }
    this.#answerItself(renderErrorPage(status));
  }

  #answerItself(answer: BalancerAnswer): void {
    // What is left of an unread body would be taken for the next request.
    const keepAlive = this.requestComplete && this.#head.keepAlive;
    const bytes = renderAnswer(answer, {
      keepAlive,
      withBody: this.#head.method !== 'HEAD',
      date: new Date(),
    });
    this.#answered = true;
    this.#notes.elbStatus = answer.status;
    this.#client.socket.write(bytes);
    this.#notes.sentBytes += bytes.length;
    this.#report();
    this.#handBack(keepAlive);
  }

  #report(now = performance.now()): void {
    if (this.#reported) return;
    this.#reported = true;
    clearTimeout(this.#connectTimer);
    this.#notes.doneAt = now;
    this.#notes.tunnelled = this.#tunnel !== undefined;
    this.#work.report(this.#notes);
  }
}
