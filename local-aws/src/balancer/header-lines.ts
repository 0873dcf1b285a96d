/**
 * Reads the header lines of an HTTP/1 head in one pass: what decides about framing and connection is noted, what goes
 * on to the other side is kept as it came. Strict: a line that two parsers could understand differently is refused. Pure.
 */

export const MAX_LINE_BYTES = 16 * 1024;

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;
const COLON = 0x3a;
const DELETE = 0x7f;
/** Letters differ from their capitals in this bit; of the other characters of a name only `-` is ever compared. */
const CASE_BIT = 0x20;

const IS_TOKEN = new Uint8Array(256);
for (const character of "!#$%&'*+-.^_`|~") IS_TOKEN[character.charCodeAt(0)] = 1;
for (let code = 0; code < IS_TOKEN.length; code += 1) {
  if (/[0-9A-Za-z]/.test(String.fromCharCode(code))) IS_TOKEN[code] = 1;
}

/** What the Connection header can't declare to be its own: routing and framing would change. */
const NEVER_NAMED: ReadonlySet<string> = new Set(['', 'keep-alive', 'close', 'host', 'content-length']);

/** A head up to and with the end of its last line: its bytes, which are looked at, and its text, which is copied. */
export interface Head {
  /** Begins with the head; what follows it is not looked at. */
  readonly bytes: Buffer;
  /** In Latin-1, so that both have the same places. */
  readonly text: string;
}

/** Who reads the lines next. Some are written anew by the load balancer on their way to a target. */
export type Onward = 'to-target' | 'to-client';

/** What the lines say, each value without the blanks around it. */
export class HeaderLines {
  /** The first line and the header lines that go on, each with its line end. */
  forwarded = '';
  hosts = 0;
  host: string | undefined;
  userAgent: string | undefined;
  lengths = 0;
  length: string | undefined;
  coding: string | undefined;
  /** In lower case. */
  connection: string | undefined;
  expect: string | undefined;
  upgrade: string | undefined;
  forwardedFor: string | undefined;
  trace: string | undefined;
}

/**
 * @param from where the first header line begins
 * @param firstLine what takes the place of the first line; undefined: it goes on as it is
 * @returns undefined when a line is no header, folded, too long, or has a control character
 */
export function readHeaderLines(
  head: Head,
  from: number,
  onward: Onward,
  firstLine: string | undefined,
): HeaderLines | undefined {
  const { bytes, text } = head;
  const lines = new HeaderLines();
  let kept = firstLine ?? '';
  let keptFrom = firstLine === undefined ? 0 : from;
  let at = from;
  while (at < text.length) {
    const colon = tokenEnd(bytes, at);
    // Also refuses a space before the colon and lines that continue the one before.
    if (colon === at || bytes[colon] !== COLON) return undefined;
    const end = lineEnd(head, colon + 1);
    if (end < 0 || end - at > MAX_LINE_BYTES) return undefined;
    const next = end + 2;
    if (!noteLine(lines, head, onward, at, colon, end)) {
      if (at > keptFrom) kept += text.slice(keptFrom, at);
      keptFrom = next;
    } else if (!isPlain(bytes, colon, end)) {
      kept += `${text.slice(keptFrom, colon)}: ${trimmedValue(head, colon, end)}\r\n`;
      keptFrom = next;
    }
    at = next;
  }
  lines.forwarded = keptFrom < at ? kept + text.slice(keptFrom, at) : kept;
  dropNamed(lines);
  return lines;
}

/**
 * Names are looked at only where their length is one of those wanted.
 * @returns whether the line goes on: what describes one connection does not (RFC 9110, section 7.6.1)
 */
function noteLine(
  lines: HeaderLines,
  head: Head,
  onward: Onward,
  at: number,
  colon: number,
  end: number,
): boolean {
  const { bytes } = head;
  switch (colon - at) {
    case 2:
      return !isName(bytes, at, 'te');
    case 4:
      if (isName(bytes, at, 'host')) {
        lines.hosts += 1;
        lines.host = trimmedValue(head, colon, end);
      }
      return true;
    case 6:
      if (!isName(bytes, at, 'expect')) return true;
      lines.expect = trimmedValue(head, colon, end);
      return onward === 'to-client'; // else answered by the load balancer
    case 7:
      if (!isName(bytes, at, 'upgrade')) return !isName(bytes, at, 'trailer');
      lines.upgrade = trimmedValue(head, colon, end);
      return false;
    case 10:
      if (isName(bytes, at, 'connection')) {
        lines.connection = append(lines.connection, ',', lowerCase(trimmedValue(head, colon, end)));
        return false;
      }
      if (isName(bytes, at, 'user-agent')) lines.userAgent = trimmedValue(head, colon, end);
      return !isName(bytes, at, 'keep-alive');
    case 14:
      if (isName(bytes, at, 'content-length')) {
        lines.lengths += 1;
        lines.length = trimmedValue(head, colon, end);
      }
      return true;
    case 16:
      if (isName(bytes, at, 'proxy-connection')) return false;
      return onward === 'to-client' || !isName(bytes, at, 'x-forwarded-port');
    case 15:
      return onward === 'to-client' || !noteOrigin(lines, head, at, colon, end);
    case 17:
      if (isName(bytes, at, 'transfer-encoding')) {
        lines.coding = append(lines.coding, ',', trimmedValue(head, colon, end));
        return false;
      }
      return onward === 'to-client' || !isName(bytes, at, 'x-forwarded-proto');
    default:
      return true;
  }
}

/** @returns whether it is a line about where the request came from, which the load balancer writes anew */
function noteOrigin(lines: HeaderLines, head: Head, at: number, colon: number, end: number): boolean {
  if (isName(head.bytes, at, 'x-forwarded-for')) {
    lines.forwardedFor = append(lines.forwardedFor, ', ', trimmedValue(head, colon, end));
    return true;
  }
  if (!isName(head.bytes, at, 'x-amzn-trace-id')) return false;
  lines.trace = trimmedValue(head, colon, end);
  return true;
}

/** Takes out the further headers that the Connection header declares as belonging to the connection. */
function dropNamed(lines: HeaderLines): void {
  const { connection } = lines;
  if (connection === undefined || connection === 'keep-alive' || connection === 'close') return;
  const named = new Set(connection.split(',').map((token) => token.trim()));
  for (const name of NEVER_NAMED) named.delete(name);
  if (named.size === 0) return;
  lines.forwarded = lines.forwarded
    .split(/(?<=\r\n)/)
    .filter((line, i) => i === 0 || !named.has(line.slice(0, line.indexOf(':')).toLowerCase()))
    .join('');
}

/**
 * Name, value, name, value: as received. For what is asked rarely.
 * @param text a head that has been read before
 */
export function splitHeaders(text: string): string[] {
  return text
    .split('\r\n')
    .slice(1, -1)
    .flatMap((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')];
    });
}

/** Where the run of token characters that begins at `from` ends. */
export function tokenEnd(bytes: Buffer, from: number): number {
  let at = from;
  while (IS_TOKEN[bytes[at] ?? 0] === 1) at += 1;
  return at;
}

/** Where the line's CRLF is; -1 where there is none, or a control character other than tab before it. */
export function lineEnd({ bytes, text }: Head, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    const code = bytes[at] ?? 0;
    if (code >= SPACE && code !== DELETE) continue;
    if (code === CR) return at + 1 < text.length && bytes[at + 1] === LF ? at : -1;
    if (code !== TAB) return -1;
  }
  return -1;
}

/** @param name in lower case */
function isName(bytes: Buffer, at: number, name: string): boolean {
  for (let i = 0; i < name.length; i += 1) {
    if (((bytes[at + i] ?? 0) | CASE_BIT) !== name.charCodeAt(i)) return false;
  }
  return true;
}

/** Whether the value stands as we would write it: one space before it, none after. */
function isPlain(bytes: Buffer, colon: number, end: number): boolean {
  return (
    bytes[colon + 1] === SPACE && end > colon + 2 && !isBlank(bytes[colon + 2]) && !isBlank(bytes[end - 1])
  );
}

function trimmedValue({ bytes, text }: Head, colon: number, lineEndsAt: number): string {
  let start = colon + 1;
  let end = lineEndsAt;
  while (start < end && isBlank(bytes[start])) start += 1;
  while (end > start && isBlank(bytes[end - 1])) end -= 1;
  return text.slice(start, end);
}

/** Without a call where nothing is to do. */
function lowerCase(value: string): string {
  return value === 'keep-alive' || value === 'close' ? value : value.toLowerCase();
}

function isBlank(code: number | undefined): boolean {
  return code === SPACE || code === TAB;
}

function append(before: string | undefined, separator: string, value: string): string {
  return before === undefined ? value : `${before}${separator}${value}`;
}
