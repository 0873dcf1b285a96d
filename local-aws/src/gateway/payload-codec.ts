/**
 * Reads what an action is called with, and renders its answer, in whichever protocol the client chose: for services that
 * speak several (CloudWatch: CBOR, JSON and the query protocol). Those that speak one use `json()` and `form()`.
 */
import { AwsError, type AwsRequest, type AwsResponse } from '../contract.ts';
import { decideProtocol, jsonAnswer, queryAnswer } from './aws-answer.ts';
import { CborError, type CborValue, decodeCbor, encodeCbor } from './cbor.ts';
import { escapeXml } from './xml.ts';

/** No input of AWS nests deeper. */
const maxDepth = 32;

/** A map of names that the data bring along, such as statistics by name: the query protocol writes it as entries. */
export class NamedValues {
  readonly values: Readonly<Record<string, number>>;
  constructor(values: Readonly<Record<string, number>>) {
    this.values = values;
  }
}

export type Payload =
  | undefined
  | number
  | string
  | Date
  | NamedValues
  | readonly Payload[]
  | { readonly [name: string]: Payload };

/**
 * Numbers and times come as the protocol has them: as texts from a form, times as seconds in JSON.
 * @throws AwsError `SerializationException`
 */
export function readPayload(request: AwsRequest): unknown {
  switch (decideProtocol(request.service, request.headers, request.url)) {
    case 'cbor':
      return readCbor(request.body);
    case 'query':
      return nestForm(request.form());
    default:
      return request.json();
  }
}

function readCbor(body: Buffer): CborValue {
  try {
    return decodeCbor(body);
  } catch (error) {
    if (!(error instanceof CborError)) throw error;
    throw new AwsError('SerializationException', `The request body is not CBOR: ${error.message}`);
  }
}

interface Tree extends Map<string, Tree | string> {}

/** `A.member.1.B=x` means `{ A: [{ B: "x" }] }`. */
function nestForm(form: URLSearchParams): unknown {
  const root: Tree = new Map();
  for (const [path, text] of form) {
    const names = path.split('.');
    const last = names.pop() ?? '';
    if (names.length > maxDepth)
      throw new AwsError('SerializationException', `The request nests deeper than ${maxDepth}`);
    let place = root;
    for (const name of names) {
      const inner = place.get(name);
      const next: Tree = inner === undefined || typeof inner === 'string' ? new Map() : inner;
      place.set(name, next);
      place = next;
    }
    place.set(last, text);
  }
  return flatten(root);
}

function flatten(tree: Tree | string): unknown {
  if (typeof tree === 'string') return tree;
  const members = tree.get('member');
  if (members instanceof Map && tree.size === 1)
    return [...members].sort(([a], [b]) => Number(a) - Number(b)).map(([, member]) => flatten(member));
  return Object.fromEntries([...tree].map(([name, inner]) => [name, flatten(inner)]));
}

/** @param namespace of the service's XML */
export function renderPayload(
  request: AwsRequest,
  namespace: string,
  payload: Readonly<Record<string, Payload>>,
): AwsResponse {
  switch (decideProtocol(request.service, request.headers, request.url)) {
    case 'cbor':
      return {
        status: 200,
        headers: { 'content-type': 'application/cbor', 'smithy-protocol': 'rpc-v2-cbor' },
        body: encodeCbor(plain(payload, (time) => time)),
      };
    case 'query':
      return queryAnswer(request.action, namespace, renderXml(payload));
    default:
      return jsonAnswer(plain(payload, (time) => time.getTime() / 1_000) as object);
  }
}

function plain(payload: Payload, timeOf: (time: Date) => CborValue): CborValue {
  if (payload instanceof Date) return timeOf(payload);
  if (payload instanceof NamedValues) return payload.values;
  if (Array.isArray(payload)) return payload.map((member: Payload) => plain(member, timeOf));
  if (typeof payload !== 'object') return payload;
  return Object.fromEntries(Object.entries(payload).map(([name, member]) => [name, plain(member, timeOf)]));
}

function renderXml(payload: Payload): string {
  if (payload === undefined) return '';
  if (payload instanceof Date) return payload.toISOString();
  if (payload instanceof NamedValues)
    return Object.entries(payload.values)
      .map(([key, value]) => `<entry><key>${escapeXml(key)}</key><value>${value}</value></entry>`)
      .join('');
  if (Array.isArray(payload))
    return payload.map((member: Payload) => `<member>${renderXml(member)}</member>`).join('');
  if (typeof payload !== 'object') return escapeXml(String(payload));
  return Object.entries(payload)
    .filter(([, member]) => member !== undefined)
    .map(([name, member]) => `<${name}>${renderXml(member)}</${name}>`)
    .join('');
}
