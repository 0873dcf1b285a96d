/** One request through the load balancer and its response back, both streamed. */
import http from 'node:http';
import { type BalancerAnswer, renderErrorPage } from './balancer-answer.ts';
import { type ForwardedRequest, renderResponseHeaders } from './forward-headers.ts';
import { forwardedRequest, type ListenerFacts, openTargetRequest, type TargetChoice } from './forwarding.ts';

const MAX_ATTEMPTS = 2;
/** An Application Load Balancer gives a connection to a target this long. Real time, as for all of a request. */
const CONNECT_TIMEOUT_MS = 10_000;
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE']);

/**
 * For requests that can't be repeated: a kept connection may be closed at the other end while they are sent.
 * They still say keep-alive, as a target that closes early would cut off its own answer to a half-read body.
 */
const FRESH_CONNECTIONS = new http.Agent({ keepAlive: true });
FRESH_CONNECTIONS.maxFreeSockets = 0; // as an option, 0 would stand for the default

export class Exchange {
  readonly #request: http.IncomingMessage;
  readonly #response: http.ServerResponse;
  readonly #listener: ListenerFacts;
  readonly #choose: TargetChoice;
  readonly #forwarded: ForwardedRequest;
  #attempt = 0;
  #upstream: http.ClientRequest | undefined;
  #answer: http.IncomingMessage | undefined;
  #timedOut = false;

  constructor(
    request: http.IncomingMessage,
    response: http.ServerResponse,
    listener: ListenerFacts,
    choose: TargetChoice,
  ) {
    this.#request = request;
    this.#response = response;
    this.#listener = listener;
    this.#choose = choose;
    this.#forwarded = forwardedRequest(request, listener);
    response.once('close', () => {
      if (!response.writableFinished) this.#upstream?.destroy();
    });
    // A client that goes away while it sends; the response's 'close' follows.
    request.on('error', () => {});
  }

  /** @param expectsContinue the client waits for a go before it sends its body */
  start(expectsContinue: boolean): void {
    const target = this.#choose();
    if (target === undefined) {
      this.#fail(503);
      return;
    }
    if (target.target.reachable?.() === false) {
      this.#awaitNothing();
      return;
    }
    if (expectsContinue && this.#attempt === 0) this.#response.writeContinue();
    this.#attempt += 1;

    const { hasBody, headers } = this.#forwarded;
    const repeatable = !hasBody && IDEMPOTENT.has(this.#request.method ?? '');
    const agent = repeatable && this.#attempt === 1 ? target.agent : FRESH_CONNECTIONS;
    let upstream: http.ClientRequest;
    try {
      upstream = openTargetRequest(target, this.#request, headers, {
        agent,
        idleTimeoutMs: this.#listener.idleTimeoutMs,
      });
    } catch {
      this.#fail(400);
      return;
    }
    this.#upstream = upstream;
    upstream.once('response', (answer) => this.#respond(answer));
    upstream.on('timeout', () => this.#onTargetIdle());
    upstream.on('error', () => this.#onTargetFailure(upstream));
    // A target may answer without reading the whole body: the rest is read away, so that the client sees the answer.
    if (hasBody) upstream.once('close', () => this.#request.resume());
    if (hasBody) this.#request.pipe(upstream);
    else upstream.end();
  }

  /** Security groups drop the connection: nobody answers, and the load balancer gives up. */
  #awaitNothing(): void {
    const timer = setTimeout(() => this.#fail(504), CONNECT_TIMEOUT_MS);
    this.#response.once('close', () => clearTimeout(timer));
  }

  /** The client's connection was idle for the whole timeout. */
  onClientIdle(): void {
    if (this.#response.writableNeedDrain) {
      this.#response.destroy(); // it does not read
      return;
    }
    const waitsForClient = !this.#request.complete && this.#upstream?.writableNeedDrain !== true;
    if (!waitsForClient) return; // the target is what everybody waits for: its own timeout decides
    this.#timedOut = true;
    if (!this.#response.headersSent) this.#fail(408);
    this.#upstream?.destroy();
  }

  #respond(answer: http.IncomingMessage): void {
    this.#answer = answer;
    const response = this.#response;
    answer.on('error', () => response.destroy()); // cut off by the target: so is the client's copy
    response.writeHead(
      answer.statusCode ?? 502,
      answer.statusMessage ?? '',
      renderResponseHeaders(answer.rawHeaders),
    );
    answer.pipe(response);
  }

  #onTargetIdle(): void {
    // A target that waits for a slow reader is not idle by its own fault: the client's timeout decides.
    if (this.#answer !== undefined && this.#response.writableNeedDrain) return;
    this.#timedOut = true;
    this.#upstream?.destroy(new Error('idle timeout'));
  }

  #onTargetFailure(upstream: http.ClientRequest): void {
    if (this.#response.destroyed || this.#response.writableEnded) return;
    if (this.#answer !== undefined) return; // the answer's own error or end decides
    const stale = upstream.reusedSocket && !this.#timedOut && this.#attempt < MAX_ATTEMPTS;
    if (stale) this.start(false);
    else this.#fail(this.#timedOut ? 504 : 502);
  }

  #fail(status: 400 | 408 | 502 | 503 | 504): void {
    this.#request.unpipe();
    this.#request.resume();
    sendAnswer(this.#request, this.#response, renderErrorPage(status));
  }
}

export function sendAnswer(
  request: http.IncomingMessage,
  response: http.ServerResponse,
  answer: BalancerAnswer,
): void {
  const headers = answer.headers.flat();
  // What is left of an unread body would be taken for the next request.
  if (!request.complete) headers.push('Connection', 'close');
  response.writeHead(answer.status, answer.statusText, headers);
  response.end(request.method === 'HEAD' ? undefined : answer.body);
}
