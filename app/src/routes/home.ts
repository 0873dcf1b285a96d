/** The front page: which release answers, in which environment, task and zone. JSON for programs, HTML for people. */
import { createHash } from 'node:crypto';
import { prefersHtml } from '../accept.ts';
import { jsonResponse, type Route, type RouteResponse, type Service } from '../route.ts';
import { shortDigest } from '../task-identity.ts';
import { type HomeFacts, PAGE_STYLE, renderHomePage } from './home-page.ts';

/** The page needs its one style sheet and the icon inside it; everything else is forbidden. */
const PAGE_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(PAGE_STYLE).digest('base64')}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

function factsOf({ application, version, config, state, metrics, uptimeSeconds }: Service): HomeFacts {
  return {
    greeting: config.greeting,
    application,
    version,
    environment: config.environment,
    release: shortDigest(state.identity.imageDigest) ?? null,
    imageDigest: state.identity.imageDigest ?? null,
    task: state.identity.taskId ?? null,
    zone: state.identity.zone ?? null,
    secretPresent: config.secretPresent,
    phase: state.phase,
    uptimeSeconds: Math.floor(uptimeSeconds()),
    requestsServed: metrics.served,
  };
}

function htmlResponse(facts: HomeFacts): RouteResponse {
  return {
    status: 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': PAGE_POLICY,
      'referrer-policy': 'no-referrer',
    },
    body: renderHomePage(facts),
  };
}

export const homeRoute: Route = {
  path: '/',
  probe: false,
  handle: ({ accept }, service) => {
    const facts = factsOf(service);
    const response = prefersHtml(accept) ? htmlResponse(facts) : jsonResponse(200, facts);
    return { ...response, headers: { ...response.headers, vary: 'accept' } };
  },
};
