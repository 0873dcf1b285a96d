/** The errors of AWS that chaos answers with: what each kind of service calls them, and with which status. Pure. */
import type { AwsProtocol } from '../gateway/aws-answer.ts';

export interface ApiError {
  readonly code: string;
  readonly status: number;
  readonly message: string;
}

/** Names differ by protocol, and S3 has names of its own. */
type Dialect = 's3' | 'ec2' | 'query' | 'json';

function decideDialect(service: string, protocol: AwsProtocol): Dialect {
  if (service === 's3') return 's3';
  if (protocol === 'ec2') return 'ec2';
  return protocol === 'query' || protocol === 'rest-xml' ? 'query' : 'json';
}

const RATE = 'Rate exceeded';
/** https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html and S3's ErrorResponses page. */
const THROTTLED: Readonly<Record<Dialect, ApiError>> = {
  s3: { code: 'SlowDown', status: 503, message: 'Please reduce your request rate.' },
  ec2: { code: 'RequestLimitExceeded', status: 503, message: 'Request limit exceeded.' },
  query: { code: 'Throttling', status: 400, message: RATE },
  json: { code: 'ThrottlingException', status: 400, message: RATE },
};

const EXPIRED_TEXT = 'The security token included in the request is expired';
const EXPIRED: Readonly<Record<Dialect, ApiError>> = {
  s3: { code: 'ExpiredToken', status: 400, message: 'The provided token has expired.' },
  ec2: { code: 'RequestExpired', status: 400, message: 'Request has expired.' },
  query: { code: 'ExpiredToken', status: 403, message: EXPIRED_TEXT },
  json: { code: 'ExpiredTokenException', status: 400, message: EXPIRED_TEXT },
};

const INTERNAL_TEXT = 'We encountered an internal error. Please try again.';
const INTERNAL: Readonly<Record<Dialect, string>> = {
  s3: 'InternalError',
  ec2: 'InternalError',
  query: 'InternalFailure',
  json: 'InternalFailure',
};
/** JSON services mostly name their own. */
const INTERNAL_OF_SERVICE: Readonly<Record<string, string>> = {
  ecs: 'ServerException',
  ecr: 'ServerException',
  dynamodb: 'InternalServerError',
  ssm: 'InternalServerError',
  'application-autoscaling': 'InternalServiceException',
  secretsmanager: 'InternalServiceError',
  kms: 'KMSInternalException',
};
const UNAVAILABLE: Readonly<Record<Dialect, string>> = {
  s3: 'ServiceUnavailable',
  ec2: 'Unavailable',
  query: 'ServiceUnavailable',
  json: 'ServiceUnavailableException',
};
const DENIED: Readonly<Record<Dialect, string>> = {
  s3: 'AccessDenied',
  ec2: 'UnauthorizedOperation',
  query: 'AccessDenied',
  json: 'AccessDeniedException',
};

export function throttleError(service: string, protocol: AwsProtocol): ApiError {
  return THROTTLED[decideDialect(service, protocol)];
}

export function expiredError(service: string, protocol: AwsProtocol): ApiError {
  return EXPIRED[decideDialect(service, protocol)];
}

/** @param code undefined: what the service calls an error of this status */
export function failError(
  service: string,
  protocol: AwsProtocol,
  status: number,
  code: string | undefined,
): ApiError {
  const dialect = decideDialect(service, protocol);
  if (code !== undefined) return { code, status, message: 'The request failed.' };
  if (status === 403)
    return { code: DENIED[dialect], status, message: 'You are not authorized to perform this operation.' };
  if (status === 503)
    return { code: UNAVAILABLE[dialect], status, message: 'The service is temporarily unavailable.' };
  const own = dialect === 'json' ? INTERNAL_OF_SERVICE[service] : undefined;
  return { code: own ?? INTERNAL[dialect], status, message: INTERNAL_TEXT };
}
