/** What the parts of one listener share while they forward requests. */
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import type { BalancedTarget } from './balanced-target.ts';
import type { ForwardedRequest } from './forward-headers.ts';
import { renderRequestHeaders } from './forward-headers.ts';

/** All headers together, requests and responses alike, as on an Application Load Balancer. */
export const MAX_HEADER_BYTES = 64 * 1024;

export interface ListenerFacts {
  readonly port: number;
  readonly protocol: 'http' | 'https';
  /** Real milliseconds without a byte; not divided by the speed, as targets answer in real time. */
  readonly idleTimeoutMs: number;
}

/** @returns undefined when no target is registered */
export type TargetChoice = () => BalancedTarget | undefined;

export function forwardedRequest(request: http.IncomingMessage, listener: ListenerFacts): ForwardedRequest {
  return renderRequestHeaders(request.rawHeaders, {
    method: request.method ?? 'GET',
    clientAddress: request.socket.remoteAddress ?? '127.0.0.1',
    protocol: listener.protocol,
    port: listener.port,
    defaultHost: `${request.socket.localAddress}:${request.socket.localPort}`,
    traceRoot: `1-${Math.floor(Date.now() / 1000).toString(16)}-${randomBytes(12).toString('hex')}`,
  });
}

/** @throws TypeError when the request's path holds characters that can't be sent on */
export function openTargetRequest(
  target: BalancedTarget,
  request: http.IncomingMessage,
  headers: string[],
  options: { readonly agent: http.Agent | false; readonly idleTimeoutMs: number },
): http.ClientRequest {
  return http.request({
    host: target.target.dial.address,
    port: target.target.dial.port,
    method: request.method ?? 'GET',
    path: request.url ?? '/',
    headers,
    agent: options.agent,
    timeout: options.idleTimeoutMs,
    maxHeaderSize: MAX_HEADER_BYTES,
  });
}
