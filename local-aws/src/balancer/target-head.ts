/** What is sent on: the head of a request to its target, and of an answer to its client, as bytes in Latin-1. Pure. */
import type { RequestHead, ResponseHead } from './message-head.ts';

const METHODS_WITHOUT_BODY: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'DELETE',
  'OPTIONS',
  'CONNECT',
  'TRACE',
]);

export interface RequestFacts {
  readonly clientAddress: string;
  /** Of the listener, see `renderListenerLines`. */
  readonly listenerLines: string;
  /** Host for a client that names none, as HTTP/1.0 allows. */
  readonly defaultHost: () => string;
  /** A fresh trace root, for example `1-67891233-abcdef012345678912345678`. */
  readonly traceRoot: string;
}

export interface TargetHead {
  readonly text: string;
  /** The whole X-Amzn-Trace-Id that the target sees. */
  readonly trace: string;
}

/** @param port of the listener as AWS knows it, not the local one */
export function renderListenerLines(protocol: 'http' | 'https', port: number): string {
  return `X-Forwarded-Proto: ${protocol}\r\nX-Forwarded-Port: ${port}\r\n`;
}

export function renderTargetHead(head: RequestHead, facts: RequestFacts): TargetHead {
  const { lines } = head;
  const { forwardedFor } = lines;
  const clients =
    forwardedFor === undefined ? facts.clientAddress : `${forwardedFor}, ${facts.clientAddress}`;
  const trace = renderTrace(lines.trace, facts.traceRoot);
  let text = lines.forwarded;
  if (lines.hosts === 0) text += `Host: ${facts.defaultHost()}\r\n`;
  text += `X-Forwarded-For: ${clients}\r\n${facts.listenerLines}X-Amzn-Trace-Id: ${trace}\r\n`;
  if (head.framing.kind === 'chunked') text += 'Transfer-Encoding: chunked\r\n';
  // Some servers wait for the body of a POST that names no length.
  else if (lines.length === undefined && !METHODS_WITHOUT_BODY.has(head.method))
    text += 'Content-Length: 0\r\n';
  if (head.upgrade !== undefined) text += `Connection: Upgrade\r\nUpgrade: ${head.upgrade}\r\n`;
  return { text: `${text}\r\n`, trace };
}

/** As an Application Load Balancer: a caller's root is kept and the balancer adds itself. */
function renderTrace(incoming: string | undefined, root: string): string {
  if (incoming === undefined || incoming === '') return `Root=${root}`;
  return /(?:^|;)\s*Root=/i.test(incoming) ? `Self=${root};${incoming}` : `Root=${root};${incoming}`;
}

/** How the body reaches the client: as it is, in chunks, or not at all. */
export type ClientFraming = 'none' | 'plain' | 'chunked';

export interface ClientHead {
  readonly text: string;
  readonly framing: ClientFraming;
  /** Whether the connection goes on afterwards. */
  readonly keepAlive: boolean;
}

export function renderClientHead(
  answer: ResponseHead,
  request: Pick<RequestHead, 'minorVersion' | 'keepAlive' | 'upgrade'>,
): ClientHead {
  const { kind } = answer.framing;
  const unknownLength = kind === 'chunked' || kind === 'until-close';
  // HTTP/1.0 knows no chunks: there the end of the connection is the end of the body.
  const framing =
    kind === 'none' ? 'none' : unknownLength && request.minorVersion === 1 ? 'chunked' : 'plain';
  const keepAlive =
    request.keepAlive && request.upgrade === undefined && !(unknownLength && framing === 'plain');
  const coding = framing === 'chunked' ? 'Transfer-Encoding: chunked\r\n' : '';
  const connection = keepAlive ? 'Connection: keep-alive\r\n\r\n' : 'Connection: close\r\n\r\n';
  return { text: answer.forwarded + coding + connection, framing, keepAlive };
}

/** The answer that changes the protocol, with the headers of both ends' agreement kept. */
export function renderUpgradeHead({ text }: ResponseHead): string {
  return `${text}\r\n`;
}
