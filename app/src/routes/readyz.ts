/** Readiness: whether new requests should be sent here. Fails first on shutdown, long before the listener closes. */
import { problemResponse } from '../problem.ts';
import { jsonResponse, type Route } from '../route.ts';

export const readyzRoute: Route = {
  path: '/readyz',
  probe: true,
  handle: (_request, { state }) =>
    state.phase === 'ready'
      ? jsonResponse(200, { status: 'ready' })
      : problemResponse(503, `the service is ${state.phase}; send requests to another task`),
};
