/**
 * Filter patterns of CloudWatch Logs: terms of any line, or selectors of a line that is JSON (json-filter.ts).
 * Patterns for columns, `[ip, user, ...]`, are not known. Pure.
 */
import { FilterPatternError } from './filter-pattern-error.ts';
import { type JsonTest, parseJsonFilter, readExpression } from './json-filter.ts';

/** Of PutMetricFilter. */
const maxLength = 1_024;

/** One line, and what it says as JSON; undefined when it is none. Read once for all filters of a group. */
export interface FilteredLine {
  readonly text: string;
  readonly json: unknown;
}

export type LineTest = (line: FilteredLine) => boolean;

export function readLine(text: string): FilteredLine {
  // An object: AWS takes nothing else for JSON here.
  if (!text.trimStart().startsWith('{')) return { text, json: undefined };
  try {
    return { text, json: JSON.parse(text) as unknown };
  } catch {
    return { text, json: undefined };
  }
}

/** @throws FilterPatternError */
export function parseFilterPattern(pattern: string): LineTest {
  const text = pattern.trim();
  if (text.length > maxLength) throw new FilterPatternError(`it has more than ${maxLength} characters`);
  if (text.startsWith('['))
    throw new FilterPatternError('patterns for columns are not known to the embedded AWS');
  if (!text.startsWith('{')) return parseTerms(text);
  if (!text.endsWith('}')) throw new FilterPatternError('the "}" at its end is missing');
  const test: JsonTest = parseJsonFilter(text.slice(1, -1));
  return ({ json }) => json !== undefined && test(json);
}

/**
 * `ERROR "out of memory" -retry`: all of them, and none with a minus. `?ERROR ?WARN`: any of them; beside others they
 * count for nothing, as on AWS.
 */
function parseTerms(text: string): LineTest {
  const terms = [...text.matchAll(/([-?]?)("(?:[^"\\]|\\.)*"|%(?:[^%\\]|\\.)*%|\S+)/g)].map(
    ([, sign = '', written = '']) => ({ sign, contains: containing(written) }),
  );
  const of = (wanted: string) => terms.filter(({ sign }) => sign === wanted);
  const [all, any, none] = [of(''), of('?'), of('-')];
  return ({ text: line }) => {
    if (none.some(({ contains }) => contains(line))) return false;
    if (all.length > 0) return all.every(({ contains }) => contains(line));
    return any.length === 0 || any.some(({ contains }) => contains(line));
  };
}

function containing(written: string): (line: string) => boolean {
  if (written.startsWith('%') && written.length > 1) {
    const expression = readExpression(written.slice(1, -1));
    return (line) => expression.test(line);
  }
  const term = written.startsWith('"') ? written.slice(1, -1).replaceAll(/\\(.)/g, '$1') : written;
  return (line) => line.includes(term);
}
