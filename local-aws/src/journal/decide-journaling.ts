/**
 * Which calls change the control plane's state and have to be journaled. Pure.
 * What is not known to be a look is a change: a look in the journal costs milliseconds, a missing change costs state.
 */
import type { Headers } from '../gateway/recognise-request.ts';

export interface CallFacts {
  readonly service: string;
  /** Empty for REST services. */
  readonly action: string;
  readonly method: string;
  readonly url: string;
  readonly body: Buffer;
}

/** First words of actions that only look, in all of AWS's naming. */
const readVerbs =
  /^(?:Describe|List|Get|BatchGet|BatchCheck|Query|Scan|Search|Lookup|Filter|Head|Check|Test|Simulate|Validate|Preview|Select|Estimate|Decode|TransactGet)(?![a-z])/;

/** Changes that are not worth keeping: figures and messages of the past, running queries, calls that keep nothing. */
const transientActions: ReadonlySet<string> = new Set([
  'monitoring/PutMetricData',
  // moto calls the subscribers: once is enough.
  'sns/Publish',
  'sns/PublishBatch',
  'logs/StartQuery',
  'logs/StopQuery',
  'logs/StartLiveTail',
  'kms/Encrypt',
  'kms/Decrypt',
  'kms/ReEncrypt',
  'kms/GenerateDataKey',
  'kms/GenerateDataKeyWithoutPlaintext',
  'kms/GenerateRandom',
  'kms/GenerateMac',
  'kms/VerifyMac',
  'kms/Sign',
  'kms/Verify',
]);

export function decideJournaled({ service, action, method, url, body }: CallFacts): boolean {
  // moto makes AWS's own keys when they are first looked at.
  if (service === 'kms' && action === 'DescribeKey' && body.includes('alias/aws/')) return true;
  if (action !== '') return !readVerbs.test(action) && !transientActions.has(`${service}/${action}`);
  if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return false;
  // S3 Select is a POST that reads.
  return !(service === 's3' && /[?&]select(?:[&=]|$)/.test(url));
}

/** Of no use to moto, and different on every call. */
const droppedHeaders: ReadonlySet<string> = new Set([
  'connection',
  'content-length',
  'transfer-encoding',
  'expect',
  'user-agent',
  'accept',
  'accept-encoding',
  'x-amz-user-agent',
  'amz-sdk-invocation-id',
  'amz-sdk-request',
  'x-towpath-seed',
  'x-towpath-time',
]);

/** Conditions were fulfilled when the call was made; compaction may have dropped what fulfilled them. */
const conditionHeaders: ReadonlySet<string> = new Set(['if-match', 'if-none-match']);

export function decideJournaledHeaders(service: string, rawHeaders: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    const lower = name.toLowerCase();
    if (droppedHeaders.has(lower) || (service === 's3' && conditionHeaders.has(lower))) continue;
    kept.push(name, rawHeaders[i + 1] ?? '');
  }
  return kept;
}

/** Names and values of an expression are refused when no expression uses them, so they go together. */
const conditionFields: ReadonlySet<string> = new Set([
  'ConditionExpression',
  'ExpressionAttributeNames',
  'ExpressionAttributeValues',
  'Expected',
  'ConditionalOperator',
]);

/** The body without conditions, for the two DynamoDB calls whose other fields do not depend on them. */
export function decideJournaledBody({ service, action, body }: CallFacts): Buffer {
  if (service !== 'dynamodb' || (action !== 'PutItem' && action !== 'DeleteItem')) return body;
  if (!body.includes('"Condition') && !body.includes('"Expected"')) return body;
  const fields = Object.entries(JSON.parse(body.toString('utf8')) as Record<string, unknown>);
  return Buffer.from(
    JSON.stringify(Object.fromEntries(fields.filter(([name]) => !conditionFields.has(name)))),
  );
}

export function joinRawHeaders(rawHeaders: readonly string[]): Headers {
  const headers: Record<string, string> = {};
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase();
    const before = headers[name];
    headers[name] = before === undefined ? (rawHeaders[i + 1] ?? '') : `${before}, ${rawHeaders[i + 1]}`;
  }
  return headers;
}
