/** The route table of the service. */
import type { Route } from '../route.ts';
import { healthzRoute } from './healthz.ts';
import { homeRoute } from './home.ts';
import { metricsRoute } from './metrics.ts';
import { readyzRoute } from './readyz.ts';
import { versionRoute } from './version.ts';

export const ALL_ROUTES: readonly Route[] = [
  homeRoute,
  healthzRoute,
  readyzRoute,
  versionRoute,
  metricsRoute,
];
