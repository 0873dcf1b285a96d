/**
 * Event patterns of EventBridge: which events a rule is for. Pure. After "Amazon EventBridge event patterns" in AWS's
 * user guide; `wildcard`, `cidr` and `$or` are not known.
 */
import type { EventDocument } from './aws-event.ts';

const maxDepth = 32;

/** A pattern that can't be evaluated here; the message says why. */
export class EventPatternError extends Error {}

/** Whether a value of the event is one that a pattern lists; `undefined` stands for a field that is not there. */
type ValueTest = (value: unknown) => boolean;

type FieldTest = (document: unknown) => boolean;

/**
 * @param text JSON
 * @throws EventPatternError
 */
export function parseEventPattern(text: string): (event: EventDocument) => boolean {
  return parseFields(parseJson(text), 0);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new EventPatternError('it is not JSON');
  }
}

/** Every field has to match. */
function parseFields(pattern: unknown, depth: number): FieldTest {
  if (!isObject(pattern)) throw new EventPatternError('it is no JSON object');
  if (depth > maxDepth) throw new EventPatternError(`it is nested deeper than ${maxDepth}`);
  const tests = Object.entries(pattern).map(([name, wanted]) => {
    if (name.startsWith('$')) throw new EventPatternError(`${name} is not known to the embedded AWS`);
    const test = Array.isArray(wanted) ? anyOf(wanted) : parseFields(wanted, depth + 1);
    return (document: unknown) => test(isObject(document) ? document[name] : undefined);
  });
  return (document) => tests.every((test) => test(document));
}

/** A field that holds a list matches when one of its values does. */
function anyOf(wanted: readonly unknown[]): ValueTest {
  const tests = wanted.map(parseValue);
  return (value) => {
    const values = Array.isArray(value) && value.length > 0 ? (value as unknown[]) : [value];
    return tests.some((test) => values.some(test));
  };
}

function parseValue(wanted: unknown): ValueTest {
  if (!isObject(wanted)) return (value) => value === wanted;
  const [[name, operand] = ['', undefined], ...more] = Object.entries(wanted);
  const parse = more.length === 0 ? filters[name] : undefined;
  if (parse === undefined)
    throw new EventPatternError(`${JSON.stringify(wanted)} is not known to the embedded AWS`);
  return parse(operand);
}

const filters: Readonly<Record<string, (operand: unknown) => ValueTest>> = {
  prefix: (operand) => onText(operand, (text, start) => text.startsWith(start)),
  suffix: (operand) => onText(operand, (text, end) => text.endsWith(end)),
  'equals-ignore-case': (operand) =>
    onText(operand, (text, other) => text.toLowerCase() === other.toLowerCase()),
  exists: (operand) => (value) => (value !== undefined) === (operand !== false),
  'anything-but': (operand) => {
    const test = anyOf(Array.isArray(operand) ? operand : [operand]);
    return (value) => value !== undefined && !test(value);
  },
  numeric: parseNumeric,
};

function onText(operand: unknown, test: (text: string, operand: string) => boolean): ValueTest {
  if (typeof operand !== 'string') throw new EventPatternError(`${JSON.stringify(operand)} is no string`);
  return (value) => typeof value === 'string' && test(value, operand);
}

const comparisons: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '=': (a, b) => a === b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

/** `[">", 0, "<=", 5]` */
function parseNumeric(operand: unknown): ValueTest {
  const words: readonly unknown[] = Array.isArray(operand) ? operand : [];
  const bounds = Array.from({ length: Math.ceil(words.length / 2) }, (_, i) => {
    const compare = comparisons[String(words[2 * i])];
    const bound = words[2 * i + 1];
    if (compare === undefined || typeof bound !== 'number')
      throw new EventPatternError(`numeric ${JSON.stringify(operand)} is not understood`);
    return (value: number) => compare(value, bound);
  });
  if (bounds.length === 0) throw new EventPatternError('numeric compares with nothing');
  return (value) => typeof value === 'number' && bounds.every((test) => test(value));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
