/**
 * Recognises that moto has no such action. It then answers with an HTML page and status 500, 501 or 404,
 * which SDKs and the Terraform provider retry for minutes; a 400 that names the action ends at once.
 */
import { AwsError } from '../contract.ts';
import { decideProtocol } from './aws-answer.ts';
import type { Headers } from './recognise-request.ts';

export interface AnsweredRequest {
  readonly service: string;
  readonly action: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
}

/** @returns the error to answer instead, or undefined when moto's answer is a real one */
export function decideUnsupported(
  request: AnsweredRequest,
  status: number,
  contentType: string,
): AwsError | undefined {
  const isPage = contentType.startsWith('text/html');
  const failed = status >= 500 || (status === 404 && isPage && request.service !== 's3');
  if (!failed || (!isPage && status !== 501)) return undefined;
  const protocol = decideProtocol(request.service, request.headers, request.url);
  const what = request.action === '' ? `${request.method} ${request.url.split('?', 1)[0]}` : request.action;
  const message =
    `The embedded AWS does not support ${request.service} ${what}: its control plane answered HTTP ${status}. ` +
    'The daemon log in the state directory has the cause.';
  if (protocol === 'json') return new AwsError('UnknownOperationException', message);
  if (protocol === 'query' || protocol === 'ec2') return new AwsError('InvalidAction', message);
  return new AwsError('NotImplemented', message);
}
