/** The route table of the service. */
import type { Route } from '../route.ts';
import { cacheDeleteRoute, cacheGetRoute, cachePutRoute } from './cache.ts';
import { envRoute } from './env.ts';
import { faultStartRoute, faultStopRoute, faultsClearRoute, faultsListRoute } from './faults.ts';
import { healthzRoute } from './healthz.ts';
import { homeRoute } from './home.ts';
import { metricsRoute } from './metrics.ts';
import { createOpenApiRoute } from './open-api.ts';
import { readyzRoute } from './readyz.ts';
import { statusRoute } from './status.ts';
import { tokenRoute } from './token.ts';
import { tokenValidateRoute } from './token-validate.ts';
import { versionRoute } from './version.ts';

const ALWAYS: readonly Route[] = [
  homeRoute,
  healthzRoute,
  readyzRoute,
  versionRoute,
  metricsRoute,
  statusRoute,
  envRoute,
  cacheGetRoute,
  cachePutRoute,
  cacheDeleteRoute,
  tokenRoute,
  tokenValidateRoute,
];

const REHEARSAL: readonly Route[] = [faultsListRoute, faultsClearRoute, faultStartRoute, faultStopRoute];

/** Where faults are off, their routes do not exist. */
export function createRoutes({ faults }: { readonly faults: boolean }): readonly Route[] {
  const routes = faults ? [...ALWAYS, ...REHEARSAL] : ALWAYS;
  return [...routes, createOpenApiRoute(routes)];
}
