/**
 * Reads the heads of HTTP/1 messages, strictly: what two parsers could understand differently is refused, since a
 * request that the balancer and the target delimit differently is how requests are smuggled. Pure.
 */
import {
  type Head,
  type HeaderLines,
  lineEnd,
  MAX_LINE_BYTES,
  readHeaderLines,
  splitHeaders,
  tokenEnd,
} from './header-lines.ts';

/** All of a head, as on an Application Load Balancer. */
export const MAX_HEAD_BYTES = 64 * 1024;
/** Fifteen digits are exact in a double. */
const LENGTH = /^\d{1,15}$/;
/** Of a request line, what follows the URL. */
const CURRENT_VERSION = ' HTTP/1.1\r\n';
/** In a status line: `HTTP/1.1 200 OK`. */
const STATUS_AT = 9;
const STATUS_ENDS_AT = 12;
const ZERO = 0x30;
const SPACE = 0x20;
const DELETE = 0x7f;
const VERSION = / HTTP\/(\d)\.(\d)\r\n/y;

const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE']);

export type BodyFraming =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'until-close' };

const NO_BODY: BodyFraming = { kind: 'none' };
const CHUNKED: BodyFraming = { kind: 'chunked' };
const UNTIL_CLOSE: BodyFraming = { kind: 'until-close' };

export class RequestHead {
  readonly method: string;
  readonly url: string;
  readonly minorVersion: 0 | 1;
  readonly framing: BodyFraming;
  readonly lines: HeaderLines;
  /** Whether the client takes another answer on this connection. */
  readonly keepAlive: boolean;
  /** The protocol that the client wants to change to. */
  readonly upgrade: string | undefined;
  readonly #text: string;

  constructor(text: string, line: RequestLine, lines: HeaderLines, framing: BodyFraming) {
    this.#text = text;
    this.method = line.method;
    this.url = line.url;
    this.minorVersion = line.minorVersion;
    this.lines = lines;
    this.framing = framing;
    const { connection } = lines;
    this.keepAlive = staysOpen(connection, line.minorVersion);
    // A body and another protocol together leave open what the bytes after the head are: the body goes first.
    const upgrades =
      lines.upgrade !== undefined && framing.kind === 'none' && hasToken(connection ?? '', 'upgrade');
    this.upgrade = upgrades ? lines.upgrade : undefined;
  }

  get host(): string | undefined {
    return this.lines.host;
  }

  get userAgent(): string | undefined {
    return this.lines.userAgent;
  }

  get expectsContinue(): boolean {
    return this.minorVersion === 1 && this.lines.expect?.toLowerCase() === '100-continue';
  }

  /** Name, value, name, value: as received, and read anew each time. */
  get headers(): readonly string[] {
    return splitHeaders(this.#text);
  }
}

/** The status that the load balancer answers with when it can't take a request. */
export type RefusedStatus = 400 | 414 | 501 | 505;

export interface ResponseHead {
  readonly status: number;
  /** The status line and the headers that go on to the client, each with its line end. */
  readonly forwarded: string;
  /** All of it, as received. */
  readonly text: string;
  readonly framing: BodyFraming;
  readonly keepAlive: boolean;
}

interface RequestLine {
  readonly method: string;
  readonly url: string;
  readonly minorVersion: 0 | 1;
}

/** @param headBytes of all before the empty line, with the end of the last line; `bytes` begin with them */
export function parseRequestHead(bytes: Buffer, headBytes: number): RequestHead | RefusedStatus {
  const head: Head = { bytes, text: bytes.toString('latin1', 0, headBytes) };
  const lineEndsAt = head.text.indexOf('\r\n');
  if (lineEndsAt > MAX_LINE_BYTES) return 414;
  const line = parseRequestLine(head);
  if (typeof line === 'number') return line;
  const { method, url, minorVersion } = line;
  const firstLine = minorVersion === 1 ? undefined : `${method} ${url} HTTP/1.1\r\n`;
  const lines = readHeaderLines(head, lineEndsAt + 2, 'to-target', firstLine);
  if (lines === undefined || lines.hosts > 1 || (minorVersion === 1 && lines.hosts === 0)) return 400;
  const framing = requestFraming(lines, minorVersion);
  return typeof framing === 'number' ? framing : new RequestHead(head.text, line, lines, framing);
}

function parseRequestLine({ bytes, text }: Head): RequestLine | RefusedStatus {
  const methodEnd = tokenEnd(bytes, 0);
  const urlAt = methodEnd + 1;
  const end = urlEnd(bytes, urlAt);
  if (methodEnd === 0 || bytes[methodEnd] !== SPACE || end === urlAt) return 400;
  // One string for the method of most requests, rather than a copy for each.
  const method = text.startsWith('GET ') ? 'GET' : text.slice(0, methodEnd);
  const url = text.slice(urlAt, end);
  if (text.startsWith(CURRENT_VERSION, end)) return { method, url, minorVersion: 1 };
  VERSION.lastIndex = end;
  const version = VERSION.exec(text);
  if (version === null) return 400;
  return version[1] === '1' && version[2] === '0' ? { method, url, minorVersion: 0 } : 505;
}

/** Neither blanks nor control characters. */
function urlEnd(bytes: Buffer, from: number): number {
  for (let at = from; ; at += 1) {
    const code = bytes[at] ?? 0;
    if (code <= SPACE || code === DELETE) return at;
  }
}

/** Whether sending it twice does no more than sending it once. */
export function isRepeatable({ framing, method }: Pick<RequestHead, 'framing' | 'method'>): boolean {
  return framing.kind === 'none' && IDEMPOTENT.has(method);
}

function requestFraming(lines: HeaderLines, minorVersion: 0 | 1): BodyFraming | RefusedStatus {
  const { coding, length } = lines;
  if (lines.lengths > 1) return 400;
  if (coding !== undefined) {
    if (length !== undefined || minorVersion === 0) return 400;
    return coding.toLowerCase() === 'chunked' ? CHUNKED : 501;
  }
  if (length === undefined) return NO_BODY;
  return lengthFraming(length) ?? 400;
}

/**
 * @param headBytes as of a request
 * @returns undefined when the target does not speak HTTP/1, or so that its answer could be read in two ways
 */
export function parseResponseHead(
  bytes: Buffer,
  headBytes: number,
  requestMethod: string,
): ResponseHead | undefined {
  const text = bytes.toString('latin1', 0, headBytes);
  const head: Head = { bytes, text };
  const lineEndsAt = lineEnd(head, 0);
  const minorVersion = text.startsWith('HTTP/1.1 ') ? 1 : 0;
  const status = statusOf(bytes);
  if (lineEndsAt < 0 || status < 100 || (minorVersion === 0 && !text.startsWith('HTTP/1.0 ')))
    return undefined;
  const hasReason = bytes[STATUS_ENDS_AT] === SPACE;
  if (!hasReason && lineEndsAt !== STATUS_ENDS_AT) return undefined;
  const firstLine =
    minorVersion === 1 && hasReason
      ? undefined
      : `HTTP/1.1 ${status} ${text.slice(STATUS_ENDS_AT + 1, lineEndsAt)}\r\n`;
  const lines = readHeaderLines(head, lineEndsAt + 2, 'to-client', firstLine);
  if (lines === undefined) return undefined;
  const framing = responseFraming(lines, status, requestMethod);
  if (framing === undefined) return undefined;
  return {
    status,
    forwarded: lines.forwarded,
    text,
    framing,
    keepAlive: framing.kind !== 'until-close' && staysOpen(lines.connection, minorVersion),
  };
}

/** @returns -1 where the status line has no three digits in their place */
function statusOf(bytes: Buffer): number {
  let status = 0;
  for (let at = STATUS_AT; at < STATUS_ENDS_AT; at += 1) {
    const digit = (bytes[at] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) return -1;
    status = status * 10 + digit;
  }
  return status;
}

function responseFraming(lines: HeaderLines, status: number, requestMethod: string): BodyFraming | undefined {
  const { coding, length } = lines;
  if (lines.lengths > 1 || (coding !== undefined && length !== undefined)) return undefined;
  const framing = length === undefined ? UNTIL_CLOSE : lengthFraming(length);
  if (framing === undefined) return undefined;
  if (requestMethod === 'HEAD' || status < 200 || status === 204 || status === 304) return NO_BODY;
  if (coding !== undefined) return coding.toLowerCase() === 'chunked' ? CHUNKED : undefined;
  return framing;
}

/** @returns undefined when it is no length */
function lengthFraming(length: string): BodyFraming | undefined {
  if (!LENGTH.test(length)) return undefined;
  const bytes = Number(length);
  return bytes === 0 ? NO_BODY : { kind: 'length', bytes };
}

function staysOpen(connection: string | undefined, minorVersion: 0 | 1): boolean {
  if (connection === undefined) return minorVersion === 1;
  if (connection === 'keep-alive') return true;
  if (hasToken(connection, 'close')) return false;
  return minorVersion === 1 || hasToken(connection, 'keep-alive');
}

function hasToken(list: string, token: string): boolean {
  return (
    list === token || (list.length > token.length && list.split(',').some((part) => part.trim() === token))
  );
}
