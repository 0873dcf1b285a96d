/**
 * Errors of AWS and its SDK as errors of Towpath, translated once, by code and never by prose.
 * Answers that a caller expects (a parameter that does not exist yet) are values: see `callAwsOrAbsent`.
 */
import { TowpathError } from '../../domain/errors.ts';

/** What a translation needs to know about the session that made the call. */
export interface CallContext {
  readonly endpoint: string | undefined;
  readonly profile: string | undefined;
}

/** The parts of an SDK error that carry meaning; read defensively, since anything can be thrown. */
interface VendorError {
  readonly name: string;
  readonly code: string | undefined;
  readonly message: string;
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  readonly attempts: number | undefined;
}

/** Runs one AWS call. @throws {TowpathError} for whatever AWS or the way to it answered */
export async function callAws<T>(
  context: CallContext,
  operation: string,
  send: () => Promise<T>,
): Promise<T> {
  try {
    return await send();
  } catch (error) {
    throw translateAwsError(error, operation, context);
  }
}

/** Like {@link callAws}; undefined when AWS answers with one of `absent`, such as `ParameterNotFound`. */
export async function callAwsOrAbsent<T>(
  context: CallContext,
  operation: string,
  absent: readonly string[],
  send: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await send();
  } catch (error) {
    if (isAwsError(error, ...absent)) return undefined;
    throw translateAwsError(error, operation, context);
  }
}

/** Whether an error, or the one it was translated from, has one of these AWS names. */
export function isAwsError(error: unknown, ...names: readonly string[]): boolean {
  const source = error instanceof TowpathError && error.cause !== undefined ? error.cause : error;
  return names.includes(readVendorError(source).name);
}

/** HTTP status of an AWS answer, when there was one. */
export function statusOf(error: unknown): number | undefined {
  const source = error instanceof TowpathError && error.cause !== undefined ? error.cause : error;
  return readVendorError(source).status;
}

const EXPIRED = new Set(['ExpiredToken', 'ExpiredTokenException', 'RequestExpired', 'TokenRefreshRequired']);
const INVALID_KEYS = new Set([
  'InvalidClientTokenId',
  'UnrecognizedClientException',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'AuthFailure',
]);
const DENIED = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'UnauthorizedOperation',
  'AuthorizationError',
  'AuthorizationErrorException',
  'NotAuthorized',
]);
const THROTTLED = new Set([
  'Throttling',
  'ThrottlingException',
  'ThrottledException',
  'RequestThrottled',
  'RequestThrottledException',
  'RequestLimitExceeded',
  'TooManyRequestsException',
  'ProvisionedThroughputExceededException',
  'SlowDown',
  'PriorRequestNotComplete',
]);
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'ECONNRESET',
  'EPIPE',
]);

/** @param operation service and action, e.g. `ssm:PutParameter` */
export function translateAwsError(error: unknown, operation: string, context: CallContext): TowpathError {
  if (error instanceof TowpathError) return error;
  const vendor = readVendorError(error);
  const where = context.profile === undefined ? '' : ` (profile ${context.profile})`;
  const signIn =
    context.profile === undefined
      ? 'aws configure sso, then set AWS_PROFILE'
      : `aws sso login --profile ${context.profile}`;
  if (vendor.name === 'CredentialsProviderError') {
    return new TowpathError(
      'NO_CREDENTIALS',
      `No AWS credentials were found${where}: ${firstLine(vendor.message)}`,
      {
        hint: `${signIn}; or --local, for the embedded AWS`,
        cause: error,
      },
    );
  }
  if (vendor.name === 'TokenProviderError' || EXPIRED.has(vendor.name)) {
    return new TowpathError(
      'CREDENTIALS_EXPIRED',
      `The AWS credentials${where} have expired (${operation}: ${vendor.name})`,
      {
        hint: context.profile === undefined ? 'sign in again (aws sso login), or export fresh keys' : signIn,
        cause: error,
      },
    );
  }
  if (INVALID_KEYS.has(vendor.name)) {
    return new TowpathError(
      'NO_CREDENTIALS',
      `AWS does not accept these credentials${where} (${operation}: ${vendor.name})`,
      {
        hint: 'check AWS_ACCESS_KEY_ID and AWS_PROFILE, or sign in again',
        cause: error,
      },
    );
  }
  // HEAD answers have no body: S3 says 403 and nothing more.
  if (DENIED.has(vendor.name) || vendor.status === 403) return accessDenied(error, vendor, operation);
  if (isUnreachable(vendor)) return unreachable(error, vendor, operation, context);
  const nameless = vendor.name === 'Unknown' || vendor.name === 'UnknownError';
  if (THROTTLED.has(vendor.name) || vendor.status === 429 || (nameless && vendor.status === 503)) {
    const attempts = vendor.attempts === undefined ? '' : ` after ${vendor.attempts} attempts`;
    return new TowpathError(
      'AWS_CALL_FAILED',
      `AWS throttles ${operation}${attempts} (${nameless ? 'HTTP 503' : vendor.name})${requestSuffix(vendor)}`,
      {
        hint: 'wait a minute and run the same command again',
        cause: error,
      },
    );
  }
  if (vendor.status !== undefined && vendor.status >= 500) {
    const name = nameless ? '' : ` ${vendor.name}`;
    return new TowpathError(
      'AWS_CALL_FAILED',
      `AWS failed to answer ${operation} (HTTP ${vendor.status}${name})${requestSuffix(vendor)}`,
      { hint: 'wait a minute and run the same command again', cause: error },
    );
  }
  const summary = vendor.message && vendor.message !== vendor.name ? `: ${firstLine(vendor.message)}` : '';
  return new TowpathError(
    'AWS_CALL_FAILED',
    `${operation} failed with ${vendor.name}${summary}${requestSuffix(vendor)}`,
    {
      cause: error,
    },
  );
}

function accessDenied(error: unknown, vendor: VendorError, operation: string): TowpathError {
  const identity = /\b(arn:aws[\w-]*:(?:iam|sts)::\d{12}:\S+)/.exec(vendor.message)?.[1];
  const action = /perform: ([\w-]+:\w+)/.exec(vendor.message)?.[1] ?? operation;
  const resource = /on resource: (\S+)/.exec(vendor.message)?.[1];
  const who = identity === undefined ? 'These credentials' : identity;
  const what = resource === undefined ? action : `${action} on ${resource}`;
  return new TowpathError('ACCESS_DENIED', `${who} may not call ${what}${requestSuffix(vendor)}`, {
    hint: `allow ${action} for this identity, or use another (AWS_PROFILE)`,
    cause: error,
  });
}

function isUnreachable(vendor: VendorError): boolean {
  if (vendor.status !== undefined) return false;
  return UNREACHABLE.has(vendor.code ?? '') || vendor.name === 'TimeoutError';
}

function unreachable(
  error: unknown,
  vendor: VendorError,
  operation: string,
  context: CallContext,
): TowpathError {
  const reason = vendor.code ?? vendor.name;
  if (context.endpoint === undefined) {
    return new TowpathError(
      'AWS_UNREACHABLE',
      `AWS can't be reached for ${operation}: ${reason} ${firstLine(vendor.message)}`,
      {
        hint: 'check the network and proxy, and the region in towpath.config.ts',
        cause: error,
      },
    );
  }
  return new TowpathError(
    'AWS_UNREACHABLE',
    `Nothing answers at ${context.endpoint} for ${operation}: ${reason}`,
    {
      hint: 'towpath local up',
      cause: error,
    },
  );
}

function requestSuffix(vendor: VendorError): string {
  return vendor.requestId === undefined ? '' : ` [request ${vendor.requestId}]`;
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

function readVendorError(error: unknown): VendorError {
  if (typeof error !== 'object' || error === null) {
    return {
      name: 'Error',
      code: undefined,
      message: String(error),
      status: undefined,
      requestId: undefined,
      attempts: undefined,
    };
  }
  const metadata = property(error, '$metadata');
  const code = property(error, 'code') ?? property(innermost(error), 'code');
  return {
    name: text(property(error, 'name')) ?? 'Error',
    code: text(code),
    message: text(property(error, 'message')) ?? '',
    status: number(property(metadata, 'httpStatusCode')),
    requestId: text(property(metadata, 'requestId')),
    attempts: number(property(metadata, 'attempts')),
  };
}

/** Node wraps a refused connection to several addresses in an AggregateError. */
function innermost(error: object): unknown {
  const errors = property(error, 'errors');
  return Array.isArray(errors) ? errors[0] : property(error, 'cause');
}

function property(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}
