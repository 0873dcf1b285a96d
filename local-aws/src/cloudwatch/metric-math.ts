/**
 * The part of CloudWatch's metric math that alarms use: arithmetic, comparison, IF, FILL and a few functions of one
 * number. Pure. A value is a number or a series, one entry a period, undefined where there is no datapoint.
 */
export type Series = readonly (number | undefined)[];
type Value = number | Series;

const maxLength = 1_024;
const maxDepth = 32;

export class MetricMathError extends Error {}

const token = /\s*(?:(\d+\.?\d*(?:e[+-]?\d+)?|\.\d+)|([a-z][a-z0-9_]*)|(&&|\|\||[<>=!]=|[-+*/^<>(),]))/iy;

/** Left to right within one row; a later row binds tighter. */
const precedence: readonly (readonly string[])[] = [
  ['||', 'OR'],
  ['&&', 'AND'],
  ['==', '!=', '<', '<=', '>', '>='],
  ['+', '-'],
  ['*', '/'],
];

const operators: Readonly<Record<string, (a: number, b: number) => number>> = {
  '||': (a, b) => Number(a !== 0 || b !== 0),
  OR: (a, b) => Number(a !== 0 || b !== 0),
  '&&': (a, b) => Number(a !== 0 && b !== 0),
  AND: (a, b) => Number(a !== 0 && b !== 0),
  '==': (a, b) => Number(a === b),
  '!=': (a, b) => Number(a !== b),
  '<': (a, b) => Number(a < b),
  '<=': (a, b) => Number(a <= b),
  '>': (a, b) => Number(a > b),
  '>=': (a, b) => Number(a >= b),
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '^': (a, b) => a ** b,
};

const functions: Readonly<Record<string, (a: number) => number>> = {
  ABS: Math.abs,
  CEIL: Math.ceil,
  FLOOR: Math.floor,
};

/**
 * @param series newest first, all of one length
 * @throws MetricMathError for what is not supported, with the place
 */
export function evaluateMetricMath(
  expression: string,
  series: Readonly<Record<string, Series>>,
  length: number,
): Series {
  if (expression.length > maxLength)
    throw new MetricMathError(`an expression of more than ${maxLength} characters`);
  const value = new Evaluation(tokenise(expression), series).run();
  return typeof value === 'number' ? new Array<number>(length).fill(value) : value;
}

function tokenise(expression: string): readonly string[] {
  const tokens: string[] = [];
  const text = expression.trim();
  token.lastIndex = 0;
  while (token.lastIndex < text.length) {
    const at = token.lastIndex;
    const match = token.exec(text);
    if (match === null) throw new MetricMathError(`"${text.slice(at, at + 20)}" is not understood`);
    tokens.push(match[0].trim());
  }
  return tokens;
}

class Evaluation {
  readonly #tokens: readonly string[];
  readonly #series: Readonly<Record<string, Series>>;
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly string[], series: Readonly<Record<string, Series>>) {
    this.#tokens = tokens;
    this.#series = series;
  }

  run(): Value {
    const value = this.#binary(0);
    if (this.#next < this.#tokens.length) throw new MetricMathError(`"${this.#peek()}" was not expected`);
    return value;
  }

  #peek(): string {
    return this.#tokens[this.#next] ?? 'the end';
  }

  #take(expected?: string): string {
    const taken = this.#peek();
    if (this.#next >= this.#tokens.length || (expected !== undefined && taken !== expected))
      throw new MetricMathError(`${expected ?? 'a value'} was expected instead of ${taken}`);
    this.#next += 1;
    return taken;
  }

  #binary(row: number): Value {
    this.#depth += 1;
    if (this.#depth > maxDepth * precedence.length)
      throw new MetricMathError(`nested deeper than ${maxDepth}`);
    const named = precedence[row];
    if (named === undefined) {
      this.#depth -= 1;
      return this.#signed();
    }
    let value = this.#binary(row + 1);
    while (named.includes(this.#peek().toUpperCase())) {
      const operator = operators[this.#take().toUpperCase()];
      const right = this.#binary(row + 1);
      if (operator !== undefined) value = combine([value, right], ([a = 0, b = 0]) => operator(a, b));
    }
    this.#depth -= 1;
    return value;
  }

  /** A minus binds less than a power: -2 ^ 2 is -4. */
  #signed(): Value {
    if (this.#peek() === '-') {
      this.#take();
      return combine([this.#signed()], ([a = 0]) => -a);
    }
    const base = this.#operand();
    if (this.#peek() !== '^') return base;
    this.#take();
    return combine([base, this.#signed()], ([a = 0, b = 0]) => a ** b);
  }

  #operand(): Value {
    const taken = this.#take();
    if (taken === '(') {
      const inner = this.#binary(0);
      this.#take(')');
      return inner;
    }
    if (/^[\d.]/.test(taken)) return Number(taken);
    if (!/^[a-z]/i.test(taken)) throw new MetricMathError(`"${taken}" was not expected`);
    if (this.#peek() === '(') return this.#call(taken);
    const series = this.#series[taken];
    if (series === undefined) throw new MetricMathError(`"${taken}" is not the id of a metric`);
    return series;
  }

  #call(name: string): Value {
    this.#take('(');
    if (name === 'FILL') return this.#fill();
    const values = [this.#binary(0)];
    while (this.#peek() === ',') {
      this.#take();
      values.push(this.#binary(0));
    }
    this.#take(')');
    const [first, second, third] = values;
    if (name === 'IF' && first !== undefined && second !== undefined && values.length <= 3)
      return choose(first, second, third);
    const one = functions[name];
    if (one !== undefined && first !== undefined && values.length === 1)
      return combine([first], ([a = 0]) => one(a));
    throw new MetricMathError(`${name} with ${values.length} argument(s) is not supported`);
  }

  #fill(): Value {
    const value = this.#binary(0);
    this.#take(',');
    const repeat = this.#peek() === 'REPEAT';
    const filler = repeat ? this.#take() : this.#binary(0);
    this.#take(')');
    if (typeof value === 'number') return value;
    if (typeof filler !== 'string') return value.map((entry, i) => entry ?? entryOf(filler, i));
    // Newest first: the value before in time is the next in the series.
    return value.map((entry, i) => entry ?? value.slice(i).find((older) => older !== undefined));
  }
}

function entryOf(value: Value, index: number): number | undefined {
  return typeof value === 'number' ? value : value[index];
}

/** There is a datapoint where all operands have one and the result is a number: nothing divided by nothing is none. */
function combine(values: readonly Value[], operator: (numbers: readonly number[]) => number): Value {
  const length = values.find((value) => typeof value !== 'number')?.length;
  const at = (index: number): number | undefined => {
    const entries = values.map((value) => entryOf(value, index));
    const numbers = entries.filter((entry) => entry !== undefined);
    const result = numbers.length === entries.length ? operator(numbers) : Number.NaN;
    return Number.isFinite(result) ? result : undefined;
  };
  return length === undefined ? operator(values as number[]) : Array.from({ length }, (_, i) => at(i));
}

/** Without a third argument there is a datapoint only where the condition holds. */
function choose(condition: Value, yes: Value, no: Value | undefined): Value {
  if (typeof condition === 'number') {
    if (condition === 0 && no === undefined) throw new MetricMathError('IF without a series');
    return condition !== 0 ? yes : (no ?? yes);
  }
  return condition.map((entry, i) => {
    if (entry === undefined) return undefined;
    if (entry !== 0) return entryOf(yes, i);
    return no === undefined ? undefined : entryOf(no, i);
  });
}
