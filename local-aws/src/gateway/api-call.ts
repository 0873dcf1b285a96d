/** What can be told of a call of AWS's API before anybody answers it, its action included. Pure. */
import { type AwsProtocol, decideProtocol } from './aws-answer.ts';
import { type RequestHead, type RequestScope, recogniseAction } from './recognise-request.ts';

export interface ApiCall {
  /** Signing name. */
  readonly service: string;
  /** Empty where it can't be told: in REST services other than S3. */
  readonly action: string;
  readonly accessKeyId: string | undefined;
  readonly protocol: AwsProtocol;
}

/** @param body empty for S3, whose actions show in method and URL */
export function describeCall(head: RequestHead, scope: RequestScope, body: Buffer): ApiCall {
  const { service, accessKeyId } = scope;
  const action =
    service === 's3'
      ? recogniseS3Action(head.method, head.url)
      : recogniseAction(head.headers, head.url, body);
  return { service, action, accessKeyId, protocol: decideProtocol(service, head.headers, head.url) };
}

const BUCKET_ACTIONS: Readonly<Record<string, string>> = {
  HEAD: 'HeadBucket',
  PUT: 'CreateBucket',
  DELETE: 'DeleteBucket',
  POST: 'DeleteObjects',
};
const OBJECT_ACTIONS: Readonly<Record<string, string>> = {
  GET: 'GetObject',
  HEAD: 'HeadObject',
  PUT: 'PutObject',
  DELETE: 'DeleteObject',
};
const VERBS: Readonly<Record<string, string>> = { GET: 'Get', PUT: 'Put', DELETE: 'Delete' };
/** Settings of a bucket, by the query parameter that names them. */
const BUCKET_SETTINGS: Readonly<Record<string, string>> = {
  acl: 'BucketAcl',
  encryption: 'BucketEncryption',
  lifecycle: 'BucketLifecycleConfiguration',
  location: 'BucketLocation',
  logging: 'BucketLogging',
  ownershipControls: 'BucketOwnershipControls',
  policy: 'BucketPolicy',
  publicAccessBlock: 'PublicAccessBlock',
  tagging: 'BucketTagging',
  versioning: 'BucketVersioning',
};

/** Buckets are in the path: there is one endpoint only. Empty for what is rarer than this. */
export function recogniseS3Action(method: string, url: string): string {
  const { pathname, searchParams } = new URL(url, 'http://s3');
  // Several SDKs say it themselves.
  const said = searchParams.get('x-id');
  if (said !== null) return said;
  const [bucket, ...key] = pathname.split('/').filter((part) => part !== '');
  if (bucket === undefined) return method === 'GET' ? 'ListBuckets' : '';
  if (searchParams.has('uploadId') || searchParams.has('uploads')) return '';
  if (key.length > 0) return searchParams.has('tagging') ? '' : (OBJECT_ACTIONS[method] ?? '');
  const setting = Object.keys(BUCKET_SETTINGS).find((name) => searchParams.has(name));
  if (setting !== undefined) {
    const verb = VERBS[method];
    return verb === undefined ? '' : `${verb}${BUCKET_SETTINGS[setting]}`;
  }
  if (method !== 'GET') return BUCKET_ACTIONS[method] ?? '';
  if (searchParams.has('versions')) return 'ListObjectVersions';
  return searchParams.get('list-type') === '2' ? 'ListObjectsV2' : 'ListObjects';
}
