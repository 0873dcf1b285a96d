/** What the last log lines of a container tell: where it listens, how far it came, what it complains of. Pure. */

export interface Announcement {
  /** As the program wrote it; undefined when it names a port only. */
  readonly host: string | undefined;
  readonly port: number;
  readonly line: string;
}

const LISTENS = /\b(?:listen(?:ing|s)?|serving|running|started|bound|accepting|available|ready|up)\b/i;
/** What a program connects to is not where it listens. */
const CONNECTS = /\b(?:connect(?:ed|ing|s)?|upstream|database|redis|proxy(?:ing)? to|pool)\b/i;
const ADDRESS =
  /(?:^|[\s'/(=@]|=")(\[[0-9a-f:]*\]|localhost|\d{1,3}(?:\.\d{1,3}){3}|\*|0)?:(\d{2,5})(?=$|[\s"'/),.;\]])/i;
const PORT_WORD = /\bports?(?:\(s\))?["']?\s*[:=]?\s*["'[]?(\d{2,5})\b/i;
const MAX_PORT = 65_535;

/** Lines in which a server says where it listens, in order. */
export function readAnnouncements(lines: readonly string[]): readonly Announcement[] {
  return lines.flatMap((line) => readAnnouncement(line) ?? []);
}

function readAnnouncement(line: string): Announcement | undefined {
  const fields = parseFields(line);
  const text = fields === undefined ? line : textOf(fields);
  if (!LISTENS.test(text) || CONNECTS.test(text)) return undefined;
  const address = ADDRESS.exec(text);
  const port = Number(address?.[2] ?? PORT_WORD.exec(text)?.[1] ?? fields?.port);
  if (!Number.isInteger(port) || port < 1 || port > MAX_PORT) return undefined;
  const host = address?.[1] ?? firstText(fields?.host, fields?.hostname, fields?.address, fields?.addr);
  return { host: host?.replace(/^\[(.*)\]$/, '$1'), port, line: line.trim() };
}

type Fields = Readonly<Record<string, unknown>>;

/** A line of a JSON log; undefined for any other. */
function parseFields(line: string): Fields | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    return JSON.parse(line) as Fields;
  } catch {
    return undefined;
  }
}

const firstText = (...values: readonly unknown[]): string | undefined =>
  values.find((value): value is string => typeof value === 'string' && value !== '');

const textOf = ({ msg, message, event }: Fields): string => firstText(msg, message, event) ?? '';

/** Addresses that nobody outside the container reaches. */
export function isLocalhost(host: string | undefined): boolean {
  return host !== undefined && /^(?:localhost|127\.0\.0\.1|::1)$/i.test(host);
}

const STARTING =
  /\b(?:start(?:ing|up)|load(?:ing|ed)|warm(?:ing)?|migrat\w+|initiali[sz]\w+|boot(?:ing|strap\w*)?|preparing|compiling|building|waiting|not ready)\b/i;

/** Whether the last of the lines sound like a program that is still starting. */
export function soundsStarting(lines: readonly string[]): boolean {
  return lines.slice(-5).some((line) => STARTING.test(line));
}

const OUT_OF_MEMORY =
  /heap out of memory|OutOfMemoryError|\bMemoryError\b|cannot allocate memory|std::bad_alloc|fatal error: runtime: out of memory/i;
const FORMAT = /exec format error/i;
const NOT_FOUND =
  /executable file not found|no such file or directory.*(?:entrypoint|exec)|exec:.*not found/i;

export const saysOutOfMemory = (lines: readonly string[]): boolean =>
  lines.some((line) => OUT_OF_MEMORY.test(line));
export const saysWrongFormat = (lines: readonly string[]): boolean => lines.some((line) => FORMAT.test(line));
export const saysCommandNotFound = (lines: readonly string[]): boolean =>
  lines.some((line) => NOT_FOUND.test(line));

const COMPLAINT =
  /\b(?:error|exception|fatal|panic|cannot|can't|could not|unable|failed|refused|denied|missing|undefined)\b|Error:|ERR[!_]/i;
/** Lines of a stack trace say where, not what. */
const STACK = /^\s*(?:at\s|File "|\.{3}|Node\.js v|goroutine|\^|\})/;
const MAX_QUOTE_CHARS = 160;

/** The line that says most about why a program gave up; its message where it is JSON. */
export function quoteComplaint(lines: readonly string[]): string | undefined {
  const telling = lines.map(messageOf).filter((line) => line.trim() !== '' && !STACK.test(line));
  const found = telling.findLast((line) => COMPLAINT.test(line)) ?? telling.at(-1);
  return found === undefined ? undefined : shorten(found.trim());
}

export function shorten(text: string): string {
  return text.length <= MAX_QUOTE_CHARS ? text : `${text.slice(0, MAX_QUOTE_CHARS - 1)}…`;
}

function messageOf(line: string): string {
  const fields = parseFields(line);
  if (fields === undefined) return line;
  const { error, err } = fields;
  const parts = [textOf(fields), firstText(error, err) ?? messageIn(error) ?? messageIn(err)];
  return parts.filter((part) => part !== undefined && part !== '').join(': ') || line;
}

/** Of an error that was logged as an object. */
function messageIn(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'message' in error
    ? firstText(error.message)
    : undefined;
}
