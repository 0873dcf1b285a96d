import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createExitScanner, renderBareCommand, renderExecCommand } from './exec-command.ts';

const nonce = 'abc123';
const mark = '\u001e';
const told = (code: string) => `${mark}towpath-exit:${nonce}:${code}${mark}`;

function scan(chunks: readonly string[]): { output: string; exitCode: number | undefined } {
  const scanner = createExitScanner(nonce);
  const pieces = chunks.map((chunk) => scanner.push(Buffer.from(chunk, 'latin1')));
  const output = Buffer.concat([...pieces, scanner.end()]).toString('latin1');
  return { output, exitCode: scanner.exitCode };
}

/** A text cut into chunks at the given places. */
function cut(text: string, places: readonly number[]): readonly string[] {
  const ends = [...new Set(places.map((place) => place % (text.length + 1)))].sort((a, b) => a - b);
  return [0, ...ends].map((start, index) => text.slice(start, ends[index] ?? text.length));
}

describe('the command line', () => {
  it('keeps words together that have blanks and quotes', () => {
    expect(renderBareCommand(['ls', '-l', '/a b', "it's", '', '$HOME'])).toBe(
      "ls -l '/a b' 'it'\\''s' '' '$HOME'",
    );
  });

  it('is run by a shell that tells the exit code', () => {
    const line = renderExecCommand(['npm', 'run', 'migrate'], { nonce, interactive: true });
    expect(line).toMatch(/^\/bin\/sh -c '.*"\$@".*towpath-exit:abc123:%s.*' sh npm run migrate$/);
    expect(line).not.toContain('stty');
    expect(renderExecCommand(['ls'], { nonce, interactive: false })).toContain('stty -opost -echo');
  });
});

describe('the scanner of exit codes', () => {
  it('takes the code out of the output, however the output comes in pieces', () => {
    const text = fc
      .string({ unit: 'binary', maxLength: 60 })
      .map((given) => Buffer.from(given).toString('latin1'));
    const places = fc.array(fc.nat(), { maxLength: 8 });
    fc.assert(
      fc.property(text, text, fc.nat(255), places, (before, after, code, ends) => {
        const chunks = cut(`${before}${told(String(code))}${after}`, ends);
        expect(scan(chunks)).toEqual({ output: before + after, exitCode: code });
      }),
    );
  });

  it('knows that the shell has begun, and takes that out of the output too', () => {
    const ends = fc.array(fc.nat(), { maxLength: 8 });
    fc.assert(
      fc.property(ends, fc.constantFrom('', '7'), (places, code) => {
        const scanner = createExitScanner(nonce);
        expect(scanner.begun).toBe(false);
        const end = code === '' ? '' : told(code);
        const pieces = cut(`login\n${told('b')}ls${end}\n`, places).map((chunk) =>
          scanner.push(Buffer.from(chunk)),
        );
        expect(Buffer.concat([...pieces, scanner.end()]).toString()).toBe('login\nls\n');
        expect([scanner.begun, scanner.exitCode]).toEqual([true, code === '' ? undefined : 7]);
      }),
    );
  });

  it('leaves output without one as it is', () => {
    const soup = fc.array(fc.constantFrom(mark, 'towpath-exit:', nonce, ':', '12', 'x', '\n'), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(soup, fc.array(fc.nat(), { maxLength: 8 }), (parts, ends) => {
        const text = parts.join('');
        const { output, exitCode } = scan(cut(text, ends));
        if (exitCode === undefined) expect(output).toBe(text);
        else expect(text).toContain(told(String(exitCode)));
      }),
    );
  });

  it('keeps back no more than a mark', () => {
    const scanner = createExitScanner(nonce);
    expect(Buffer.from(scanner.push(Buffer.from(`hello${mark}tow`))).toString()).toBe('hello');
    expect(Buffer.from(scanner.push(Buffer.from('er'))).toString()).toBe(`${mark}tower`);
  });

  it.each(['', '1234', 'x', '-1'])('does not take "%s" for a code', (code) => {
    expect(scan([told(code)])).toEqual({ output: told(code), exitCode: undefined });
  });
});
