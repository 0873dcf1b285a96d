/** Says whether a token is one of ours and still good. The token comes in a header: an address ends up in logs. */
import { jsonContent } from '../open-api.ts';
import { problemResponse } from '../problem.ts';
import { jsonResponse, type Route, type RouteResponse } from '../route.ts';
import { noSecretResponse } from './token.ts';

const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]+) *$/i;

function unauthorized(detail: string, challenge: string): RouteResponse {
  return problemResponse(401, detail, { 'www-authenticate': challenge });
}

export const tokenValidateRoute: Route = {
  path: '/token/validate',
  probe: false,
  doc: {
    summary: 'Validates the token of the Authorization header',
    parameters: [
      { name: 'Authorization', in: 'header', description: 'Bearer TOKEN', schema: { type: 'string' } },
    ],
    responses: {
      200: {
        description: 'The token is good',
        content: jsonContent({
          type: 'object',
          required: ['valid', 'subject', 'keyId', 'expiresAt'],
          properties: {
            valid: { const: true },
            subject: { type: 'string' },
            keyId: { type: 'string' },
            expiresAt: { type: 'string', format: 'date-time' },
          },
        }),
      },
      401: { description: 'There is no token, or it is not good; the detail says why' },
      503: { description: 'There is no secret' },
    },
  },
  handle: ({ authorization }, { tokens, now }) => {
    if (tokens === undefined) return noSecretResponse();
    const token = BEARER.exec(authorization ?? '')?.[1];
    if (token === undefined) return unauthorized('send the token as "Authorization: Bearer TOKEN"', 'Bearer');
    const verdict = tokens.validate(token, now());
    return verdict.valid
      ? jsonResponse(200, verdict)
      : unauthorized(verdict.reason, 'Bearer error="invalid_token"');
  },
};
