/** The front page: which release answers, in which environment, task and zone. JSON for programs, HTML for people. */
import { createHash } from 'node:crypto';
import { prefersHtml } from '../accept.ts';
import { jsonContent } from '../open-api.ts';
import { jsonResponse, type Route, type RouteResponse, type Service } from '../route.ts';
import { shortDigest } from '../task-identity.ts';
import { type CacheMode, type HomeFacts, renderHomePage } from './home-page.ts';
import { PAGE_SCRIPT } from './home-script.ts';
import { PAGE_STYLE } from './home-style.ts';

function hashSource(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/** The page needs its style sheet, its script, the icon inside it and its own live values; the rest is forbidden. */
const PAGE_POLICY = [
  "default-src 'none'",
  `style-src ${hashSource(PAGE_STYLE)}`,
  `script-src ${hashSource(PAGE_SCRIPT)}`,
  "connect-src 'self'",
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

function htmlResponse(facts: HomeFacts, cacheMode: CacheMode): RouteResponse {
  return {
    status: 200,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': PAGE_POLICY,
      'referrer-policy': 'no-referrer',
    },
    body: renderHomePage(facts, cacheMode),
  };
}

export const homeRoute: Route = {
  path: '/',
  probe: false,
  doc: {
    summary: 'Who answers',
    responses: {
      200: {
        description: 'JSON, or a page when Accept prefers text/html',
        content: { ...jsonContent({ type: 'object' }), 'text/html': {} },
      },
    },
  },
  handle: ({ accept }, service) => {
    const facts = factsOf(service);
    // Which of the two it was need not be said (Vary): no cache keeps either.
    if (prefersHtml(accept)) return htmlResponse(facts, service.cache.status().mode);
    return jsonResponse(200, facts);
  },
};
