/**
 * Filter patterns of CloudWatch Logs for lines that are JSON: `{ ($.level = "error") && ($.status >= 500) }`.
 * Pure. After "Filter pattern syntax for metric filters" in AWS's user guide.
 */
import { FilterPatternError } from './filter-pattern-error.ts';

/** Whether a parsed line fulfils a pattern. */
export type JsonTest = (value: unknown) => boolean;

const maxDepth = 32;

const token =
  /\s*(\$(?:\.?\['[^']+'\]|\.[\w@*-]+|\[(?:\d+|\*)\])*|&&|\|\||!=|<=|>=|[=<>()]|"(?:[^"\\]|\\.)*"|%(?:[^%\\]|\\.)*%|[^\s()=<>!&|"%$]+)/y;
const numberWord = /^-?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/**
 * @param text what stands between the braces
 * @throws FilterPatternError with the place
 */
export function parseJsonFilter(text: string): JsonTest {
  return new Parser(tokenise(text)).run();
}

/**
 * What a selector such as `$.request.headers[0]` finds: one value, or with a `*` several.
 * @throws FilterPatternError when it is none
 */
export function parseSelector(text: string): (value: unknown) => readonly unknown[] {
  const steps = [...text.matchAll(/\.?\['([^']+)'\]|\.([\w@*-]+)|\[(\d+|\*)\]/g)].map(
    ([, quoted, name, index]) => quoted ?? name ?? index ?? '',
  );
  if (!/^\$/.test(text)) throw new FilterPatternError(`"${text}" is no selector`);
  return (value) =>
    steps.reduce<readonly unknown[]>((found, step) => found.flatMap((each) => takeStep(each, step)), [value]);
}

function takeStep(value: unknown, step: string): readonly unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  if (step === '*') return Object.values(value);
  return Object.hasOwn(value, step) ? [(value as Record<string, unknown>)[step]] : [];
}

function tokenise(text: string): readonly string[] {
  const tokens: string[] = [];
  token.lastIndex = 0;
  const trimmed = text.trim();
  while (token.lastIndex < trimmed.length) {
    const at = token.lastIndex;
    const match = token.exec(trimmed);
    if (match === null)
      throw new FilterPatternError(`"${trimmed.slice(at, at + 20).trim()}" is not understood`);
    tokens.push(match[1] ?? '');
  }
  return tokens;
}

class Parser {
  readonly #tokens: readonly string[];
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly string[]) {
    this.#tokens = tokens;
  }

  run(): JsonTest {
    const test = this.#either();
    if (this.#next < this.#tokens.length) throw new FilterPatternError(`"${this.#peek()}" was not expected`);
    return test;
  }

  #peek(): string {
    return this.#tokens[this.#next] ?? 'the end';
  }

  #take(): string {
    const taken = this.#tokens[this.#next];
    if (taken === undefined) throw new FilterPatternError('it ends too early');
    this.#next += 1;
    return taken;
  }

  #either(): JsonTest {
    const tests = [this.#both()];
    while (this.#peek() === '||') {
      this.#take();
      tests.push(this.#both());
    }
    return (value) => tests.some((test) => test(value));
  }

  #both(): JsonTest {
    const tests = [this.#single()];
    while (this.#peek() === '&&') {
      this.#take();
      tests.push(this.#single());
    }
    return (value) => tests.every((test) => test(value));
  }

  #single(): JsonTest {
    if (this.#peek() !== '(') return this.#comparison();
    this.#take();
    this.#depth += 1;
    if (this.#depth > maxDepth) throw new FilterPatternError(`it is nested deeper than ${maxDepth}`);
    const inner = this.#either();
    this.#depth -= 1;
    if (this.#take() !== ')') throw new FilterPatternError('a ")" is missing');
    return inner;
  }

  #comparison(): JsonTest {
    const select = parseSelector(this.#take());
    const operator = this.#take().toUpperCase();
    if (operator === 'NOT') {
      if (this.#take().toUpperCase() !== 'EXISTS') throw new FilterPatternError('NOT goes with EXISTS only');
      return (value) => select(value).length === 0;
    }
    if (operator === 'IS') {
      const wanted = constants[this.#take().toUpperCase()];
      if (wanted === undefined) throw new FilterPatternError('IS goes with TRUE, FALSE and NULL only');
      return (value) => select(value).some((found) => found === wanted.value);
    }
    const compare = compareWith(operator, this.#take());
    // What is not there is neither equal nor unequal [assumption].
    return (value) => select(value).some(compare);
  }
}

const constants: Readonly<Record<string, { readonly value: boolean | null }>> = {
  TRUE: { value: true },
  FALSE: { value: false },
  NULL: { value: null },
};

const orders: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

function compareWith(operator: string, written: string): JsonTest {
  const order = orders[operator];
  if (order !== undefined) {
    if (!numberWord.test(written))
      throw new FilterPatternError(`${operator} compares numbers, and "${written}" is none`);
    return (found) => typeof found === 'number' && order(found, Number(written));
  }
  if (operator !== '=' && operator !== '!=') throw new FilterPatternError(`"${operator}" is not an operator`);
  const equal = equalTo(written);
  return operator === '=' ? equal : (found) => !equal(found);
}

/** A number, a string with `*` for anything, or a regular expression between percent signs. */
function equalTo(written: string): JsonTest {
  if (written.startsWith('%')) return matchesText(readExpression(written.slice(1, -1)));
  if (numberWord.test(written)) return (found) => found === Number(written);
  if (/^(?:[()=<>&|]|!=)/.test(written)) throw new FilterPatternError(`"${written}" was not expected`);
  const text = written.startsWith('"') ? written.slice(1, -1).replaceAll(/\\(.)/g, '$1') : written;
  if (!text.includes('*')) return (found) => found === text;
  const parts = text.split('*').map((part) => part.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return matchesText(new RegExp(`^${parts.join('.*')}$`, 's'));
}

function matchesText(expression: RegExp): JsonTest {
  return (found) =>
    (typeof found === 'string' || typeof found === 'number') && expression.test(String(found));
}

/** @throws FilterPatternError when it can't be read */
export function readExpression(source: string): RegExp {
  try {
    return new RegExp(source);
  } catch {
    throw new FilterPatternError(`%${source}% is no regular expression`);
  }
}
