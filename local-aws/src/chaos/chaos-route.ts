/** `/_local/chaos`: GET lists it, POST begins an action, DELETE undoes one (`/_local/chaos/ID`) or all. */
import type { IncomingMessage } from 'node:http';
import { AwsError } from '../contract.ts';
import type { LocalRoute } from '../gateway/gateway-server.ts';
import { readBody } from '../gateway/read-body.ts';
import type { ChaosDesk } from './chaos-desk.ts';
import { ChaosError, type ChaosErrorKind } from './chaos-error.ts';

const PATH = '/_local/chaos';
const MAX_BODY_BYTES = 64 * 1024;
const STATUS: Readonly<Record<ChaosErrorKind, number>> = { invalid: 400, 'not-found': 404, refused: 409 };

export function createChaosRoute(desk: ChaosDesk): LocalRoute {
  return {
    prefix: PATH,
    async handle(request, response) {
      const [status, payload] = await answer(desk, request).catch((error: unknown): [number, object] => {
        if (error instanceof AwsError) return [error.status, { kind: 'invalid', message: error.message }];
        if (!(error instanceof ChaosError)) throw error;
        return [STATUS[error.kind], { kind: error.kind, message: error.message }];
      });
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(payload));
    },
  };
}

async function answer(desk: ChaosDesk, request: IncomingMessage): Promise<[number, object]> {
  const path = (request.url ?? '').split('?', 1)[0] ?? '';
  const [rest = '', ...more] = path.slice(PATH.length).split('/').filter(Boolean);
  const known = (path === PATH || path.startsWith(`${PATH}/`)) && more.length === 0;
  if (known && rest === '' && request.method === 'GET') return [200, desk.list()];
  if (known && rest === '' && request.method === 'POST')
    return [201, await desk.start(await readJson(request))];
  if (known && request.method === 'DELETE') {
    return rest === '' ? [200, { undone: desk.undoAll() }] : [200, desk.undo(decodeSafely(rest))];
  }
  throw new ChaosError(
    'not-found',
    `No ${request.method} ${path} here; there is GET, POST and DELETE ${PATH}, and DELETE ${PATH}/ID.`,
  );
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const text = (await readBody(request, MAX_BODY_BYTES)).toString('utf8');
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ChaosError(
      'invalid',
      `The body is not JSON: ${error instanceof Error ? error.message : error}`,
    );
  }
}

function decodeSafely(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
