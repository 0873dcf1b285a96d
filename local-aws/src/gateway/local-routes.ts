/**
 * The gateway's own pages: status and stop of the embedded AWS, what Prometheus is to scrape, and the task metadata
 * endpoint (version 4) that every task is given in ECS_CONTAINER_METADATA_URI_V4.
 */
import type { ServerResponse } from 'node:http';
import type { ScrapeTargetGroup } from '../ecs/render/scrape-targets.ts';
import type { LocalStatus } from '../local-status.ts';
import type { LocalRoute } from './gateway-server.ts';

export type MetadataSuffix = '' | 'task' | 'stats' | 'task/stats';
export type TaskMetadata = (taskId: string, suffix: MetadataSuffix) => object | undefined;

const metadataSuffixes: ReadonlySet<string> = new Set<MetadataSuffix>(['', 'task', 'stats', 'task/stats']);

export function createStatusRoute(status: () => LocalStatus, stop: () => void): LocalRoute {
  return {
    prefix: '/_local/',
    handle: async (request, response) => {
      const path = (request.url ?? '').split('?', 1)[0];
      if (path === '/_local/status' && request.method === 'GET') return sendJson(response, 200, status());
      if (path === '/_local/stop' && request.method === 'POST') {
        response.setHeader('connection', 'close');
        sendJson(response, 202, { stopping: true });
        // The answer leaves first: stopping ends all connections.
        response.once('close', stop);
        return;
      }
      sendJson(response, 404, {
        message: `No ${request.method} ${path} here; there is GET /_local/status and POST /_local/stop.`,
      });
    },
  };
}

/** Service discovery for any Prometheus on this computer: `http_sd_configs: [{ url: …/_local/scrape-targets }]`. */
export function createScrapeTargetsRoute(targets: () => readonly ScrapeTargetGroup[]): LocalRoute {
  return {
    prefix: '/_local/scrape-targets',
    handle: async (request, response) => {
      if (request.method === 'GET') return sendJson(response, 200, targets());
      sendJson(response, 405, { message: `${request.method} is not for this; GET is.` });
    },
  };
}

export function createMetadataRoute(metadata: TaskMetadata): LocalRoute {
  return {
    prefix: '/v4/',
    handle: async (request, response) => {
      const [, , taskId = '', ...rest] = (request.url ?? '').split('?', 1)[0]?.split('/') ?? [];
      const suffix = rest.join('/');
      const found = isMetadataSuffix(suffix) ? metadata(taskId, suffix) : undefined;
      if (found === undefined)
        sendJson(response, 404, { message: `No task metadata for task "${taskId}" at "${suffix}".` });
      else sendJson(response, 200, found);
    },
  };
}

function isMetadataSuffix(suffix: string): suffix is MetadataSuffix {
  return metadataSuffixes.has(suffix);
}

function sendJson(response: ServerResponse, status: number, payload: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(payload));
}
