/** The description of the service for programs, made from the routes that it has. */
import { jsonContent, renderOpenApi } from '../open-api.ts';
import { jsonResponse, type Route, type RouteResponse } from '../route.ts';

/** @param routes all routes but this one, which describes itself too */
export function createOpenApiRoute(routes: readonly Route[]): Route {
  let rendered: RouteResponse | undefined;
  const route: Route = {
    path: '/openapi.json',
    probe: false,
    doc: {
      summary: 'This description',
      responses: { 200: { description: 'OpenAPI 3.1', content: jsonContent({ type: 'object' }) } },
    },
    handle: (_request, { application, version }) => {
      rendered ??= jsonResponse(200, renderOpenApi([...routes, route], { title: application, version }));
      return rendered;
    },
  };
  return route;
}
