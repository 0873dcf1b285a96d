/**
 * The command line of an ECS Exec session, and how its exit code comes back. Pure.
 *
 * A session gives a terminal and no exit code. So a shell in the task says that it is there, runs the command and says
 * the code at the end, between two marks that only this session knows; they are taken out of the output again.
 */

/** ASCII's record separator: what no program prints by the way. */
const MARK = 0x1e;
/** In the place of a code: the shell has begun. */
const BEGUN = 'b';
/** "255" and the closing mark. */
const MAX_CODE_LENGTH = 4;

export interface ExecCommandOptions {
  /** Letters and digits that nobody else knows. */
  readonly nonce: string;
  /** A person watches: the terminal stays as it is. Else output passes as the command writes it. */
  readonly interactive: boolean;
}

/** A command line for ExecuteCommand, whose agent takes quotes but is no shell. */
export function renderBareCommand(words: readonly string[]): string {
  return words.map(quoteWord).join(' ');
}

/** The same, run by a shell that tells the exit code. */
export function renderExecCommand(words: readonly string[], options: ExecCommandOptions): string {
  // Without a person nobody wants an echo or carriage returns; an image without stty keeps them.
  const quiet = options.interactive ? '' : 'stty -opost -echo 2>/dev/null; ';
  // Ctrl-C is for the command; the shell outlives it to tell the code.
  const begun = `printf '\\036${label(options.nonce)}${BEGUN}\\036'; `;
  const script = `${quiet}${begun}trap : INT QUIT; "$@"; printf '\\036${label(options.nonce)}%s\\036' "$?"`;
  return renderBareCommand(['/bin/sh', '-c', script, 'sh', ...words]);
}

/** Letters, digits and a few marks need no quotes and are easier to read in CloudTrail. */
function quoteWord(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function label(nonce: string): string {
  return `towpath-exit:${nonce}:`;
}

export interface ExitScanner {
  /** @returns the bytes that are output; some are kept until it is clear that they are */
  push(bytes: Uint8Array): Uint8Array;
  /** What was kept. */
  end(): Uint8Array;
  /** Whether the shell around the command was seen to run. */
  readonly begun: boolean;
  /** undefined until the command's end was seen. */
  readonly exitCode: number | undefined;
}

export function createExitScanner(nonce: string): ExitScanner {
  const opening = new TextEncoder().encode(`${String.fromCharCode(MARK)}${label(nonce)}`);
  let kept = new Uint8Array();
  let begun = false;
  let exitCode: number | undefined;
  const scanner: ExitScanner = {
    push(bytes) {
      const text = join(kept, bytes);
      const start = findOpening(text, opening);
      const tail = text.subarray(start + opening.length);
      const code = start < text.length - opening.length ? readCode(tail) : undefined;
      if (code === undefined) {
        // Either the opening is not whole yet, or the code; a false one is given back as soon as it is too long.
        const undecided = text.length - start <= opening.length + MAX_CODE_LENGTH;
        kept = undecided ? text.slice(start) : new Uint8Array();
        return undecided ? text.subarray(0, start) : text;
      }
      begun = true;
      kept = new Uint8Array();
      const [before, after] = [text.subarray(0, start), tail.subarray(code.length)];
      if (code.value === BEGUN) return join(before, scanner.push(after));
      exitCode = code.value;
      return join(before, after);
    },
    end() {
      const rest = kept;
      kept = new Uint8Array();
      return rest;
    },
    get begun() {
      return begun;
    },
    get exitCode() {
      return exitCode;
    },
  };
  return scanner;
}

/** Where the opening begins, whole or cut off at the end; the length of the text when nowhere. */
function findOpening(text: Uint8Array, opening: Uint8Array): number {
  for (
    let start = text.indexOf(opening[0] ?? 0);
    start >= 0;
    start = text.indexOf(opening[0] ?? 0, start + 1)
  ) {
    const length = Math.min(opening.length, text.length - start);
    if (text.subarray(start, start + length).every((byte, index) => byte === opening[index])) return start;
  }
  return text.length;
}

interface Told {
  readonly value: number | typeof BEGUN;
  readonly length: number;
}

function readCode(tail: Uint8Array): Told | undefined {
  const end = tail.subarray(0, MAX_CODE_LENGTH).indexOf(MARK);
  const digits = new TextDecoder().decode(tail.subarray(0, Math.max(end, 0)));
  if (digits === BEGUN) return { value: BEGUN, length: end + 1 };
  return /^\d+$/.test(digits) ? { value: Number(digits), length: end + 1 } : undefined;
}

function join(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(first.length + second.length);
  joined.set(first);
  joined.set(second, first.length);
  return joined;
}
