/** The cache by key: values of at most a body's size that live for a while, in Redis or in memory. */
import type { CacheEntry, CacheMode } from '../cache/cache-store.ts';
import { isJson, parseQueryNumber } from '../json-body.ts';
import { jsonContent } from '../open-api.ts';
import { problemResponse } from '../problem.ts';
import { jsonResponse, type Route, type RouteResponse, type Schema } from '../route.ts';

export const KEY_PATTERN = '^[A-Za-z0-9._:-]{1,128}$';
const KEY = new RegExp(KEY_PATTERN);
export const MAX_TTL_SECONDS = 86_400;
export const DEFAULT_TTL_SECONDS = 300;
/** What a browser could run is not among them: anybody may store a value, and others look at it. */
const OCTETS = 'application/octet-stream';
export const CACHED_TYPES: readonly string[] = ['application/json', 'application/octet-stream', 'text/plain'];

const KEY_PARAMETER: Schema = {
  name: 'key',
  in: 'path',
  required: true,
  schema: { type: 'string', pattern: KEY_PATTERN },
};
const ANY_CONTENT: Schema = Object.fromEntries(CACHED_TYPES.map((type) => [type, {}]));

const NO_KEY = problemResponse(404, 'the cache has no such key; PUT it first');
const BAD_KEY = problemResponse(400, 'a key has 1 to 128 letters, digits and . _ : -');

type Headers = RouteResponse['headers'];

function entryHeaders(contentType: string, mode: CacheMode): Headers {
  return {
    'content-type': contentType,
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'; sandbox",
    'x-cache': mode,
  };
}

/** Made once: the server keeps the flat form of objects that it has seen. */
const ENTRY_HEADERS: ReadonlyMap<string, Readonly<Record<CacheMode, Headers>>> = new Map(
  CACHED_TYPES.map((type) => [
    type,
    {
      memory: entryHeaders(type, 'memory'),
      redis: entryHeaders(type, 'redis'),
      degraded: entryHeaders(type, 'degraded'),
    },
  ]),
);

function entryResponse(entry: CacheEntry | undefined, mode: CacheMode): RouteResponse {
  if (entry === undefined) return NO_KEY;
  // Somebody else may have put another type into Redis.
  const headers = ENTRY_HEADERS.get(entry.contentType)?.[mode] ?? ENTRY_HEADERS.get(OCTETS)?.[mode] ?? {};
  return { status: 200, headers, body: entry.body };
}

export const cacheGetRoute: Route = {
  path: '/cache/{key}',
  probe: false,
  doc: {
    summary: 'The value of a key',
    parameters: [KEY_PARAMETER],
    responses: {
      200: { description: 'The value; x-cache says where it was', content: ANY_CONTENT },
      400: { description: 'The key is out of range' },
      404: { description: 'There is no such key, or its time is over' },
    },
  },
  handle: ({ parameter }, { cache }) => {
    if (!KEY.test(parameter)) return BAD_KEY;
    const entry = cache.get(parameter);
    return entry instanceof Promise
      ? entry.then((found) => entryResponse(found, cache.mode))
      : entryResponse(entry, cache.mode);
  },
};

export const cachePutRoute: Route = {
  path: '/cache/{key}',
  method: 'PUT',
  probe: false,
  takes: CACHED_TYPES,
  doc: {
    summary: 'Sets the value of a key',
    parameters: [
      KEY_PARAMETER,
      {
        name: 'ttl',
        in: 'query',
        description: 'Time to live in seconds',
        schema: { type: 'integer', minimum: 1, maximum: MAX_TTL_SECONDS, default: DEFAULT_TTL_SECONDS },
      },
    ],
    requestBody: { required: true, content: ANY_CONTENT },
    responses: {
      200: {
        description: 'Stored',
        content: jsonContent({
          type: 'object',
          required: ['key', 'bytes', 'ttlSeconds', 'store'],
          properties: {
            key: { type: 'string' },
            bytes: { type: 'integer' },
            ttlSeconds: { type: 'integer' },
            store: { enum: ['memory', 'redis', 'degraded'] },
          },
        }),
      },
      400: { description: 'The key, the time to live or the JSON is out of range' },
    },
  },
  handle: ({ parameter, query, contentType, body }, { cache }) => {
    if (!KEY.test(parameter)) return BAD_KEY;
    const ttl = parseQueryNumber(query, 'ttl', {
      min: 1,
      max: MAX_TTL_SECONDS,
      fallback: DEFAULT_TTL_SECONDS,
    });
    if (!ttl.ok) return ttl.problem;
    // An empty value has no type to be wrong about.
    const type = body.length === 0 ? 'application/octet-stream' : (contentType ?? 'application/octet-stream');
    if (type === 'application/json' && !isJson(body)) return problemResponse(400, 'the body is not JSON');
    const written = cache.put(parameter, { contentType: type, body }, ttl.value);
    const stored = (): RouteResponse =>
      jsonResponse(200, { key: parameter, bytes: body.length, ttlSeconds: ttl.value, store: cache.mode });
    return written === undefined ? stored() : written.then(stored);
  },
};

export const cacheDeleteRoute: Route = {
  path: '/cache/{key}',
  method: 'DELETE',
  probe: false,
  doc: {
    summary: 'Removes a key',
    parameters: [KEY_PARAMETER],
    responses: {
      204: { description: 'The key is not there (any more)' },
      400: { description: 'The key is out of range' },
    },
  },
  handle: async ({ parameter }, { cache }) => {
    if (!KEY.test(parameter)) return BAD_KEY;
    await cache.remove(parameter);
    return { status: 204, headers: {}, body: '' };
  },
};
