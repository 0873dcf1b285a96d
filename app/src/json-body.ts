/** Reads a JSON body field by field; what is wrong becomes one problem answer that names every fault. Pure. */
import { problemResponse } from './problem.ts';
import type { RouteResponse } from './route.ts';

export type Fields = Readonly<Record<string, unknown>>;

export type JsonBody =
  | { readonly ok: true; readonly fields: Fields }
  | { readonly ok: false; readonly problem: RouteResponse };

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: RouteResponse };

const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** The text of a body; undefined when it is not UTF-8. */
export function decodeText(body: Buffer): string | undefined {
  try {
    return UTF8.decode(body);
  } catch {
    return undefined;
  }
}

/** Whether a body is one JSON value. */
export function isJson(body: Buffer): boolean {
  const text = decodeText(body);
  if (text === undefined) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** A JSON object with no other fields than `known`. An empty body counts as an empty object. */
export function parseJsonBody(body: Buffer, known: readonly string[]): JsonBody {
  const wrong = (detail: string): JsonBody => ({ ok: false, problem: problemResponse(400, detail) });
  if (body.length === 0) return { ok: true, fields: {} };
  const text = decodeText(body);
  if (text === undefined) return wrong('the body is not UTF-8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return wrong('the body is not JSON');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return wrong('the body must be a JSON object');
  }
  const unknown = Object.keys(value).filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    // Names come from outside: they are counted, not repeated.
    return wrong(`the body has ${unknown.length} unknown fields; known are ${known.join(', ') || 'none'}`);
  }
  return { ok: true, fields: value as Fields };
}

export interface NumberRange {
  readonly min: number;
  readonly max: number;
  readonly fallback?: number;
}

/** A whole number of a body; on failure a 422. */
export function parseWholeNumber(fields: Fields, name: string, range: NumberRange): Parsed<number> {
  const value = Object.hasOwn(fields, name) ? fields[name] : range.fallback;
  if (typeof value === 'number' && Number.isInteger(value) && value >= range.min && value <= range.max) {
    return { ok: true, value };
  }
  const detail = `"${name}" must be a whole number from ${range.min} to ${range.max}`;
  return { ok: false, problem: problemResponse(422, detail) };
}

/** A whole number of a query such as `ttl=60`; on failure a 400. Parameters that are not asked for are ignored. */
export function parseQueryNumber(query: string, name: string, range: NumberRange): Parsed<number> {
  const text = query === '' ? null : new URLSearchParams(query).get(name);
  if (text === null && range.fallback !== undefined) return { ok: true, value: range.fallback };
  const value = text !== null && /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= range.min && value <= range.max) return { ok: true, value };
  const detail = `the query needs ${name}=N with a whole number from ${range.min} to ${range.max}`;
  return { ok: false, problem: problemResponse(400, detail) };
}
