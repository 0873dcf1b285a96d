/** What runs here, for scripts that compare it with what was requested. */
import { jsonContent } from '../open-api.ts';
import { jsonResponse, type Route } from '../route.ts';
import { shortDigest } from '../task-identity.ts';

export const versionRoute: Route = {
  path: '/version',
  probe: false,
  doc: {
    summary: 'What runs here',
    responses: { 200: { description: 'Version and release', content: jsonContent({ type: 'object' }) } },
  },
  handle: (_request, { application, version, config, state }) =>
    jsonResponse(200, {
      application,
      version,
      environment: config.environment,
      release: shortDigest(state.identity.imageDigest) ?? null,
      imageDigest: state.identity.imageDigest ?? null,
      node: process.version,
    }),
};
