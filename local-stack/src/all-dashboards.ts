/** All dashboards by the name of their file. `npm run generate -w local-stack` writes them; Grafana reads the files. */
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { environmentComparison } from './environment-comparison.ts';
import { redis } from './redis.ts';
import { releaseComparison } from './release-comparison.ts';
import { serviceOverview } from './service-overview.ts';

export function allDashboards(): Readonly<Record<string, Dashboard>> {
  return {
    'environment-comparison.json': environmentComparison(),
    'redis.json': redis(),
    'release-comparison.json': releaseComparison(),
    'service-overview.json': serviceOverview(),
  };
}

export function renderDashboard(dashboard: Dashboard): string {
  return `${JSON.stringify(dashboard, undefined, 2)}\n`;
}
