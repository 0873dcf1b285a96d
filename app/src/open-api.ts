/** The OpenAPI description (version 3.1) of a list of routes. Pure: what a route says of itself, put together. */
import type { Route, RouteDoc, Schema } from './route.ts';

const PROBLEM_SCHEMA: Schema = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
  },
};

const PROBLEM_CONTENT: Schema = {
  'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } },
};

/** What any route may answer, whatever it is asked. */
const ANY_ROUTE: RouteDoc['responses'] = {
  400: { description: 'The request is malformed' },
  408: { description: 'The request did not arrive in time' },
  413: { description: 'The body is too large' },
  417: { description: 'The expectation cannot be met' },
  431: { description: 'The headers are too large' },
};
const WITH_BODY: RouteDoc['responses'] = { 415: { description: 'The body has another media type' } };

/** A JSON body of this shape. */
export function jsonContent(schema: Schema): Schema {
  return { 'application/json': { schema } };
}

function renderResponses(route: Route, doc: RouteDoc): Schema {
  const all = { ...ANY_ROUTE, ...(route.takes === undefined ? {} : WITH_BODY), ...doc.responses };
  return Object.fromEntries(
    Object.entries(all).map(([status, { description, content }]) => {
      const shown = content ?? (Number(status) >= 400 ? PROBLEM_CONTENT : undefined);
      return [status, shown === undefined ? { description } : { description, content: shown }];
    }),
  );
}

function renderOperation(route: Route, doc: RouteDoc): Schema {
  return {
    summary: doc.summary,
    ...(doc.parameters === undefined ? {} : { parameters: doc.parameters }),
    ...(doc.requestBody === undefined ? {} : { requestBody: doc.requestBody }),
    responses: renderResponses(route, doc),
  };
}

/** Routes without a description are left out; a test sees to it that there are none. */
export function renderOpenApi(
  routes: readonly Route[],
  info: { readonly title: string; readonly version: string },
): Schema {
  const paths: Record<string, Record<string, Schema>> = {};
  for (const route of routes) {
    if (route.doc === undefined) continue;
    const operations = paths[route.path] ?? {};
    operations[(route.method ?? 'GET').toLowerCase()] = renderOperation(route, route.doc);
    paths[route.path] = operations;
  }
  return { openapi: '3.1.0', info, paths, components: { schemas: { Problem: PROBLEM_SCHEMA } } };
}
