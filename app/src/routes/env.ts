/** The configuration as variables, for whoever asks why a task behaves as it does. Secrets are named, never shown. */
import { jsonContent } from '../open-api.ts';
import { jsonResponse, type Route } from '../route.ts';

export const envRoute: Route = {
  path: '/env',
  probe: false,
  doc: {
    summary: 'Environment variables that are safe to publish',
    responses: {
      200: {
        description: 'Name to value; of a secret only that it is set',
        content: jsonContent({ type: 'object', additionalProperties: { type: 'string' } }),
      },
    },
  },
  handle: (_request, { variables }) => jsonResponse(200, variables),
};
