/** `/_local/conditions`: what is short at the embedded AWS, declared by a rehearsal. GET shows it, PUT replaces it. */
import type { LocalRoute } from './gateway-server.ts';
import { readBody } from './read-body.ts';

const MAX_BODY_BYTES = 64 * 1024;

export interface ConditionsDesk {
  readonly current: object;
  /** @throws Error that names what is malformed */
  declare(input: unknown): object;
}

export function createConditionsRoute(desk: ConditionsDesk): LocalRoute {
  return {
    prefix: '/_local/conditions',
    async handle(request, response) {
      const send = (status: number, payload: object): void => {
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(JSON.stringify(payload));
      };
      if (request.method === 'GET') return send(200, desk.current);
      if (request.method !== 'PUT')
        return send(405, { message: `${request.method} is not for this; PUT is.` });
      try {
        send(200, desk.declare(JSON.parse((await readBody(request, MAX_BODY_BYTES)).toString('utf8'))));
      } catch (error) {
        send(400, { message: error instanceof Error ? error.message : String(error) });
      }
    },
  };
}
