/**
 * Issues signed tokens, to show where a secret is used and how its key is rotated. It is no login: whoever can reach
 * the service gets a token, and nothing but `/token/validate` honours it.
 */
import { parseJsonBody, parseWholeNumber } from '../json-body.ts';
import { jsonContent } from '../open-api.ts';
import { problemResponse } from '../problem.ts';
import { jsonResponse, type Route, type RouteResponse } from '../route.ts';

const SUBJECT_PATTERN = '^[A-Za-z0-9@._:-]{1,128}$';
const SUBJECT = new RegExp(SUBJECT_PATTERN);
const DEFAULT_SUBJECT = 'anonymous';
export const MAX_TOKEN_TTL_SECONDS = 3_600;
const DEFAULT_TOKEN_TTL_SECONDS = 300;
const TTL = { min: 1, max: MAX_TOKEN_TTL_SECONDS, fallback: DEFAULT_TOKEN_TTL_SECONDS };

export function noSecretResponse(): RouteResponse {
  return problemResponse(503, 'there is no secret to sign with; set app-secret and deploy');
}

export const tokenRoute: Route = {
  path: '/token',
  method: 'POST',
  probe: false,
  takes: ['application/json'],
  doc: {
    summary: 'Issues a token that is signed with app-secret',
    requestBody: {
      content: jsonContent({
        type: 'object',
        additionalProperties: false,
        properties: {
          subject: { type: 'string', pattern: SUBJECT_PATTERN, default: DEFAULT_SUBJECT },
          ttlSeconds: { type: 'integer', minimum: TTL.min, maximum: TTL.max, default: TTL.fallback },
        },
      }),
    },
    responses: {
      200: {
        description: 'A JSON Web Token',
        content: jsonContent({
          type: 'object',
          required: ['token', 'keyId', 'expiresAt'],
          properties: {
            token: { type: 'string' },
            keyId: { type: 'string' },
            expiresAt: { type: 'string', format: 'date-time' },
          },
        }),
      },
      400: { description: 'The body is malformed' },
      422: { description: 'A field is out of range' },
      503: { description: 'There is no secret' },
    },
  },
  handle: ({ body }, { tokens, now }) => {
    if (tokens === undefined) return noSecretResponse();
    const parsed = parseJsonBody(body, ['subject', 'ttlSeconds']);
    if (!parsed.ok) return parsed.problem;
    const { subject = DEFAULT_SUBJECT } = parsed.fields;
    if (typeof subject !== 'string' || !SUBJECT.test(subject)) {
      return problemResponse(422, '"subject" must have 1 to 128 letters, digits and @ . _ : -');
    }
    const ttl = parseWholeNumber(parsed.fields, 'ttlSeconds', TTL);
    return ttl.ok ? jsonResponse(200, tokens.issue(subject, ttl.value, now())) : ttl.problem;
  },
};
