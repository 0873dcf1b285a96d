/**
 * Faults on purpose, for rehearsals: of this task alone, ended by themselves, and only where `FAULTS=on` is set,
 * which a production environment refuses. Probes and these routes are spared, so that a fault can be seen and ended.
 */
import { FAULT_KINDS, FAULT_SETTINGS, FOR_SECONDS, isFaultKind, parseFault } from '../faults/fault.ts';
import type { FaultRegistry } from '../faults/fault-registry.ts';
import { jsonContent } from '../open-api.ts';
import { problemResponse } from '../problem.ts';
import { jsonResponse, type Route, type RouteResponse, type Schema } from '../route.ts';

const LIST_CONTENT = jsonContent({
  type: 'object',
  required: ['faults'],
  properties: { faults: { type: 'array', items: { type: 'object' } } },
});
const KIND_PARAMETER: Schema = {
  name: 'kind',
  in: 'path',
  required: true,
  schema: { enum: FAULT_KINDS },
};
const SETTINGS_SCHEMA: Schema = {
  type: 'object',
  description: 'forSeconds, and the settings of the kind; what is left out has a default',
  properties: Object.fromEntries(
    [['forSeconds', FOR_SECONDS] as const, ...Object.values(FAULT_SETTINGS).flatMap(Object.entries)].map(
      ([name, { min, max }]) => [name, { type: 'integer', minimum: min, maximum: max }],
    ),
  ),
};

const UNKNOWN_KIND = problemResponse(404, `there is no such fault; there is ${FAULT_KINDS.join(', ')}`);
const OFF = problemResponse(404, 'faults are off; set FAULTS=on, and never in production');

function listResponse(faults: FaultRegistry): RouteResponse {
  return jsonResponse(200, { faults: faults.list() });
}

export const faultsListRoute: Route = {
  path: '/faults',
  probe: false,
  control: true,
  doc: {
    summary: 'The faults of this task that are active',
    responses: { 200: { description: 'All of them', content: LIST_CONTENT } },
  },
  handle: (_request, { faults }) => (faults === undefined ? OFF : listResponse(faults)),
};

export const faultsClearRoute: Route = {
  path: '/faults',
  method: 'DELETE',
  probe: false,
  control: true,
  doc: {
    summary: 'Ends all faults of this task',
    responses: { 200: { description: 'What is left: nothing', content: LIST_CONTENT } },
  },
  handle: (_request, { faults }) => {
    if (faults === undefined) return OFF;
    faults.stopAll();
    return listResponse(faults);
  },
};

export const faultStartRoute: Route = {
  path: '/faults/{kind}',
  method: 'PUT',
  probe: false,
  control: true,
  takes: ['application/json'],
  doc: {
    summary: 'Starts a fault, or replaces the one of the same kind',
    parameters: [KIND_PARAMETER],
    requestBody: { content: jsonContent(SETTINGS_SCHEMA) },
    responses: {
      200: { description: 'All that are active', content: LIST_CONTENT },
      400: { description: 'The body is malformed' },
      404: { description: 'There is no such fault' },
      422: { description: 'A field is out of range' },
    },
  },
  handle: ({ parameter, body }, { faults }) => {
    if (faults === undefined) return OFF;
    if (!isFaultKind(parameter)) return UNKNOWN_KIND;
    const fault = parseFault(parameter, body);
    if (!fault.ok) return fault.problem;
    faults.start(fault.value);
    return listResponse(faults);
  },
};

export const faultStopRoute: Route = {
  path: '/faults/{kind}',
  method: 'DELETE',
  probe: false,
  control: true,
  doc: {
    summary: 'Ends a fault',
    parameters: [KIND_PARAMETER],
    responses: {
      200: { description: 'What is left', content: LIST_CONTENT },
      404: { description: 'There is no such fault' },
    },
  },
  handle: ({ parameter }, { faults }) => {
    if (faults === undefined) return OFF;
    if (!isFaultKind(parameter)) return UNKNOWN_KIND;
    faults.stop(parameter);
    return listResponse(faults);
  },
};
