/**
 * Renders answers and errors in the protocol that the client of a service expects.
 * A wrong shape here is retried for minutes by SDKs, so every protocol has its own form.
 */
import { randomUUID } from 'node:crypto';
import type { AwsError, AwsResponse } from '../contract.ts';
import { encodeCbor } from './cbor.ts';
import { type Headers, isForm } from './recognise-request.ts';
import { escapeXml } from './xml.ts';

export type AwsProtocol = 'json' | 'query' | 'ec2' | 'rest-xml' | 'rest-json' | 'cbor';

const restXmlServices: ReadonlySet<string> = new Set(['s3', 's3control', 'route53', 'cloudfront']);

export function decideProtocol(service: string, headers: Headers, url: string): AwsProtocol {
  if (headers['x-amz-target'] !== undefined) return 'json';
  if (headers['smithy-protocol'] === 'rpc-v2-cbor') return 'cbor';
  if (restXmlServices.has(service)) return 'rest-xml';
  if (isForm(headers) || /[?&]Action=/.test(url)) return service === 'ec2' ? 'ec2' : 'query';
  return 'rest-json';
}

/** JSON answer of a JSON-protocol service. `undefined` members are left out, as AWS does. */
export function jsonAnswer(payload: object, status = 200): AwsResponse {
  return {
    status,
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amzn-requestid': randomUUID() },
    body: JSON.stringify(payload),
  };
}

/** Answer of a query-protocol service. @param result inner XML of `<ActionResult>`, already escaped */
export function queryAnswer(action: string, namespace: string, result: string): AwsResponse {
  const requestId = randomUUID();
  return {
    status: 200,
    headers: { 'content-type': 'text/xml', 'x-amzn-requestid': requestId },
    body:
      `<${action}Response xmlns="${namespace}"><${action}Result>${result}</${action}Result>` +
      `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${action}Response>`,
  };
}

export function renderAwsError(protocol: AwsProtocol, error: AwsError, headers: Headers = {}): AwsResponse {
  const requestId = randomUUID();
  const code = escapeXml(error.code);
  const message = escapeXml(error.message);
  const fault = error.status >= 500 ? 'Receiver' : 'Sender';
  switch (protocol) {
    case 'json':
      return jsonError(error, requestId, headers, fault);
    case 'rest-json':
      return {
        status: error.status,
        headers: {
          'content-type': 'application/json',
          'x-amzn-errortype': error.code,
          'x-amzn-requestid': requestId,
        },
        body: JSON.stringify({ message: error.message }),
      };
    case 'cbor':
      return {
        status: error.status,
        headers: {
          'content-type': 'application/cbor',
          'smithy-protocol': 'rpc-v2-cbor',
          'x-amzn-requestid': requestId,
          ...queryError(error, headers, fault),
        },
        body: encodeCbor({ __type: error.code, message: error.message }),
      };
    case 'rest-xml':
      return xmlError(
        error.status,
        requestId,
        `<Error><Code>${code}</Code><Message>${message}</Message><RequestId>${requestId}</RequestId></Error>`,
      );
    case 'ec2':
      return xmlError(
        error.status,
        requestId,
        `<Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>${requestId}</RequestID></Response>`,
      );
    case 'query':
      return xmlError(
        error.status,
        requestId,
        `<ErrorResponse><Error><Type>${fault}</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`,
      );
  }
}

function jsonError(error: AwsError, requestId: string, headers: Headers, fault: string): AwsResponse {
  const contentType = headers['content-type'] ?? '';
  return {
    status: error.status,
    headers: {
      'content-type': contentType.startsWith('application/x-amz-json')
        ? contentType
        : 'application/x-amz-json-1.1',
      'x-amzn-errortype': error.code,
      'x-amzn-requestid': requestId,
      ...queryError(error, headers, fault),
    },
    body: JSON.stringify({ __type: error.code, message: error.message }),
  };
}

/** Services that once spoke the query protocol: their clients ask for its names. */
function queryError(error: AwsError, headers: Headers, fault: string): Record<string, string> {
  return headers['x-amzn-query-mode'] === 'true' ? { 'x-amzn-query-error': `${error.code};${fault}` } : {};
}

function xmlError(status: number, requestId: string, body: string): AwsResponse {
  return {
    status,
    headers: { 'content-type': 'text/xml', 'x-amzn-requestid': requestId, 'x-amz-request-id': requestId },
    body: `<?xml version="1.0" encoding="UTF-8"?>${body}`,
  };
}
