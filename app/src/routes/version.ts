/** What runs here, for scripts that compare it with what was requested. */
import { jsonResponse, type Route } from '../route.ts';
import { shortDigest } from '../task-identity.ts';

export const versionRoute: Route = {
  path: '/version',
  probe: false,
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
