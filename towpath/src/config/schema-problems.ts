/** The schema's findings in plain words: path, what the value must be, the value itself. Pure. */
import * as z from 'zod';
import type { Problem } from '../domain/errors.ts';
import { closest } from '../domain/suggest.ts';

export type Path = readonly PropertyKey[];

export interface SchemaProblem extends Problem {
  /** Where the value lies; for an unknown key, the key itself. */
  readonly at: Path;
  /** Paths whose values are unknown now: this one, and the one that a misspelt key was meant to set. */
  readonly spoils: readonly string[];
}

/** `environments[2].cidr`; a key that is no identifier in brackets; the whole as `(configuration)`. */
export function renderPath(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else if (/^[A-Za-z_$][\w$]*$/.test(String(part))) text += text === '' ? String(part) : `.${String(part)}`;
    else text += `[${JSON.stringify(String(part))}]`;
  }
  return text === '' ? '(configuration)' : text;
}

/** A value short enough for a message. */
export function renderValue(value: unknown): string {
  const MAX_LENGTH = 80;
  if (typeof value === 'function') return 'a function';
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number' || value === undefined) return String(value);
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'a list' : 'an object';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH)}… (${text.length} characters)` : text;
}

/** The value at a path; undefined where there is none. */
export function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const part of path) {
    if (value === null || typeof value !== 'object') return undefined;
    value = (value as Record<PropertyKey, unknown>)[part];
  }
  return value;
}

/** What `input` has against `schema`; empty when it fits. */
export function schemaProblems(schema: z.ZodType, input: unknown): readonly SchemaProblem[] {
  const result = z.safeParse(schema, input);
  if (result.success) return [];
  return result.error.issues.flatMap((issue) => translate(issue, schema, input));
}

function translate(issue: z.core.$ZodIssue, schema: z.ZodType, input: unknown): readonly SchemaProblem[] {
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, issue.path);
    return issue.keys.map((key) => {
      const at = [...issue.path, key];
      const meant = closest(key, known);
      const advice =
        meant === undefined ? `allowed here: ${known.join(', ')}` : `did you mean ${JSON.stringify(meant)}?`;
      const path = renderPath(at);
      const spoils = meant === undefined ? [path] : [path, renderPath([...issue.path, meant])];
      return { at, path, message: `is not a setting: ${advice}`, spoils };
    });
  }
  const value = valueAt(input, issue.path);
  const message =
    value === undefined && issue.code !== 'invalid_key' ? 'is required' : describe(issue, value, issue.path);
  const path = renderPath(issue.path);
  return [{ at: issue.path, path, message, spoils: [path] }];
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'an object',
  record: 'an object',
  string: 'text in quotes',
};

function describe(issue: z.core.$ZodIssue, value: unknown, path: Path): string {
  const got = `got ${renderValue(value)}`;
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${TYPE_WORDS[issue.expected] ?? issue.expected}, ${got}`;
    case 'too_small':
    case 'too_big': {
      const [word, limit] =
        issue.code === 'too_small' ? ['at least', issue.minimum] : ['at most', issue.maximum];
      if (Array.isArray(value)) return `must have ${word} ${limit} entries, has ${value.length}`;
      return `must be ${word} ${limit}, ${got}`;
    }
    case 'invalid_value': {
      const meant = typeof value === 'string' ? closest(value, issue.values.map(String)) : undefined;
      const choices = issue.values.map((choice) => JSON.stringify(choice)).join(', ');
      return `must be one of ${choices}, ${got}${meant === undefined ? '' : ` (did you mean "${meant}"?)`}`;
    }
    case 'invalid_key':
      return `${issue.issues[0]?.message ?? 'is no allowed key'}, got ${renderValue(String(path.at(-1)))}`;
    default:
      return `${issue.message}, ${got}`;
  }
}

/** Keys that the schema knows at a path. */
function keysAt(schema: z.core.$ZodType, path: Path): readonly string[] {
  let current = unwrap(schema);
  for (const part of path) {
    if (current instanceof z.ZodArray) current = unwrap(current.element);
    else if (current instanceof z.ZodObject) current = unwrap(current.shape[String(part)]);
  }
  return current instanceof z.ZodObject ? Object.keys(current.shape) : [];
}

function unwrap(schema: z.core.$ZodType | undefined): z.core.$ZodType | undefined {
  return schema instanceof z.ZodOptional ? unwrap(schema.unwrap()) : schema;
}
