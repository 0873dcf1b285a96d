/**
 * The Flask example serves a description that is made from this service's routes: those of them that are the contract.
 * `npx vitest run --project unit app/test/flask-description --update` writes it anew.
 */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { jsonContent, renderOpenApi } from '../src/open-api.ts';
import type { RouteDoc } from '../src/route.ts';
import { createRoutes } from '../src/routes/all-routes.ts';
import { FLASK_DIR } from './flask-service.ts';

/** The page and what it asks are this service's own. */
const NOT_OF_THE_CONTRACT: readonly string[] = ['/status'];
const HOME_WITHOUT_PAGE: RouteDoc = {
  summary: 'Who answers',
  responses: { 200: { description: 'Environment, release, task', content: jsonContent({ type: 'object' }) } },
};

it('describes the contract', async () => {
  const routes = createRoutes({ faults: false })
    .filter(({ path }) => !NOT_OF_THE_CONTRACT.includes(path))
    .map((route) => (route.path === '/' ? { ...route, doc: HOME_WITHOUT_PAGE } : route));
  const description = renderOpenApi(routes, { title: 'flask', version: '0.1.0' });
  const file = join(FLASK_DIR, 'service', 'openapi.json');
  await expect(`${JSON.stringify(description, null, 2)}\n`).toMatchFileSnapshot(file);
});
