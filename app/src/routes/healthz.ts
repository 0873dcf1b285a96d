/**
 * Liveness: the process answers at all. It says nothing about readiness and looks at nothing outside the process,
 * so that a broken neighbour never gets healthy tasks killed.
 */
import { jsonContent } from '../open-api.ts';
import { jsonResponse, type Route } from '../route.ts';

export const healthzRoute: Route = {
  path: '/healthz',
  probe: true,
  doc: {
    summary: 'Liveness',
    responses: { 200: { description: 'The process answers', content: jsonContent({ type: 'object' }) } },
  },
  handle: () => jsonResponse(200, { status: 'ok' }),
};
