/** Readiness: whether new requests should be sent here. Fails first on shutdown, long before the listener closes. */
import { jsonContent } from '../open-api.ts';
import { problemResponse } from '../problem.ts';
import { jsonResponse, type Route } from '../route.ts';
import { isReady } from './status.ts';

export const readyzRoute: Route = {
  path: '/readyz',
  probe: true,
  doc: {
    summary: 'Readiness',
    responses: {
      200: { description: 'Send requests', content: jsonContent({ type: 'object' }) },
      503: { description: 'Send none: the task is starting or draining' },
    },
  },
  handle: (_request, service) => {
    if (isReady(service)) return jsonResponse(200, { status: 'ready' });
    const { phase } = service.state;
    const reason = phase === 'ready' ? 'unready on purpose' : phase;
    return problemResponse(503, `the service is ${reason}; send requests to another task`);
  },
};
