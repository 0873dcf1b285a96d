/** A connection that changes its protocol (WebSocket): after the target's 101 both sides are joined byte for byte. */
import type http from 'node:http';
import type { Socket } from 'node:net';
import { renderErrorPage, renderRawAnswer } from './balancer-answer.ts';
import { renderResponseHeaders } from './forward-headers.ts';
import { forwardedRequest, type ListenerFacts, openTargetRequest, type TargetChoice } from './forwarding.ts';

export function openTunnel(
  request: http.IncomingMessage,
  client: Socket,
  head: Buffer,
  listener: ListenerFacts,
  choose: TargetChoice,
): void {
  client.on('error', () => client.destroy());
  const fail = (status: 400 | 502 | 503 | 504): void => {
    if (!client.destroyed) client.end(renderRawAnswer(renderErrorPage(status)));
  };
  const target = choose();
  if (target === undefined) {
    fail(503);
    return;
  }

  const { headers } = forwardedRequest(request, listener);
  headers.push('Connection', 'Upgrade', 'Upgrade', request.headers.upgrade ?? '');
  let upstream: http.ClientRequest;
  try {
    upstream = openTargetRequest(target, request, headers, {
      agent: false,
      idleTimeoutMs: listener.idleTimeoutMs,
    });
  } catch {
    fail(400);
    return;
  }
  let timedOut = false;
  client.once('close', () => upstream.destroy());
  upstream.on('timeout', () => {
    timedOut = true;
    upstream.destroy(new Error('idle timeout'));
  });
  upstream.once('error', () => fail(timedOut ? 504 : 502));
  upstream.once('response', (answer) => passOrdinaryAnswer(answer, client));
  upstream.once('upgrade', (answer, socket, targetHead) => {
    client.write(renderHead(answer, answer.rawHeaders));
    join(client, socket, listener.idleTimeoutMs);
    if (targetHead.length > 0) client.write(targetHead);
    if (head.length > 0) socket.write(head);
  });
  upstream.end();
}

/** The target did not change protocols: its answer goes back, and the connection ends with it. */
function passOrdinaryAnswer(answer: http.IncomingMessage, client: Socket): void {
  answer.on('error', () => client.destroy());
  client.write(renderHead(answer, [...renderResponseHeaders(answer.rawHeaders), 'Connection', 'close']));
  answer.pipe(client);
}

function join(client: Socket, target: Socket, idleTimeoutMs: number): void {
  for (const [one, other] of [
    [client, target],
    [target, client],
  ] as const) {
    one.setTimeout(idleTimeoutMs, () => {
      // Idle means that neither side says anything: a byte to one is a byte from the other.
      one.destroy();
      other.destroy();
    });
    one.on('error', () => other.destroy());
    one.once('close', () => other.destroy());
    one.setNoDelay(true);
    one.pipe(other);
  }
}

function renderHead(answer: http.IncomingMessage, headers: readonly string[]): string {
  let head = `HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\n`;
  for (let i = 0; i + 1 < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
  return `${head}\r\n`;
}
