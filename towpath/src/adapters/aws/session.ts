/**
 * One AWS account as the adapters see it: region, endpoint, credentials and clients.
 * Nothing of the AWS SDK is loaded before the first call that needs it.
 */
import type { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { ECRClient } from '@aws-sdk/client-ecr';
import type { ECSClient } from '@aws-sdk/client-ecs';
import type { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2';
import type { S3Client } from '@aws-sdk/client-s3';
import type { SSMClient } from '@aws-sdk/client-ssm';
import type { STSClient } from '@aws-sdk/client-sts';

/** Attempts of one call, the first included; between them the SDK waits at most 20 s, mostly far less. */
const MAX_ATTEMPTS = 5;
const CONNECTION_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 30_000;

/** Sent to an endpoint that checks no keys, when neither the caller nor the environment brings any. */
const PLACEHOLDER_KEYS: StaticCredentials = { accessKeyId: 'local', secretAccessKey: 'local' };

export interface StaticCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface SessionOptions {
  readonly region: string;
  readonly profile?: string | undefined;
  /** Base URL of something that speaks AWS, such as the embedded AWS; AWS itself when left out. */
  readonly endpoint?: string | undefined;
  readonly credentials?: StaticCredentials | undefined;
  /** Environment variables to look for keys in; those of this process when left out. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface Session {
  readonly region: string;
  readonly endpoint: string | undefined;
  readonly profile: string | undefined;
  s3(): Promise<S3Client>;
  dynamodb(): Promise<DynamoDBClient>;
  ecr(): Promise<ECRClient>;
  ecs(): Promise<ECSClient>;
  loadBalancing(): Promise<ElasticLoadBalancingV2Client>;
  cloudwatch(): Promise<CloudWatchClient>;
  logs(): Promise<CloudWatchLogsClient>;
  ssm(): Promise<SSMClient>;
  sts(): Promise<STSClient>;
  /**
   * AWS variables that make a child process (Terraform, the AWS CLI) act as this session does.
   * An empty value overrides a variable of the parent that would lead somewhere else.
   */
  environment(): Promise<Record<string, string>>;
  /** Closes idle connections, so that the process can end at once. */
  close(): void;
}

/** Settings shared by every client. */
interface ClientConfig {
  readonly region: string;
  readonly maxAttempts: number;
  readonly retryMode: 'standard';
  readonly requestHandler: {
    readonly connectionTimeout: number;
    readonly requestTimeout: number;
    readonly throwOnRequestTimeout: boolean;
  };
  readonly credentials: StaticCredentials | CredentialProvider;
  readonly endpoint?: string;
}

type CredentialProvider = () => Promise<StaticCredentials>;

/**
 * Keys given by the caller win, then keys in the environment (how CI systems hand them over), then
 * the chain of the AWS SDK with the profile. An account that does not fit is found by `identity.ts`.
 */
export function createSession(options: SessionOptions): Session {
  const env = options.env ?? process.env;
  const keys =
    options.credentials ?? keysOf(env) ?? (options.endpoint === undefined ? undefined : PLACEHOLDER_KEYS);
  const clients = new Map<string, Promise<{ destroy(): void }>>();

  async function config(): Promise<ClientConfig> {
    return {
      region: options.region,
      maxAttempts: MAX_ATTEMPTS,
      retryMode: 'standard',
      requestHandler: {
        connectionTimeout: CONNECTION_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        throwOnRequestTimeout: true,
      },
      credentials: keys ?? (await credentialChain(options.profile)),
      ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    };
  }

  /** The client of one service, made once. A failure to make it is not remembered. */
  function client<T extends { destroy(): void }>(
    name: string,
    create: (config: ClientConfig) => Promise<T>,
  ): () => Promise<T> {
    let made: Promise<T> | undefined;
    return () => {
      if (made === undefined) {
        silenceRuntimeNotice();
        made = config().then(create);
        clients.set(name, made);
        made.catch(() => {
          made = undefined;
          clients.delete(name);
        });
      }
      return made;
    };
  }

  return {
    region: options.region,
    endpoint: options.endpoint,
    profile: options.profile,
    s3: client('s3', async (common) => {
      const { S3Client } = await import('@aws-sdk/client-s3');
      // Virtual-host addressing needs a DNS name for every bucket, which a bare address has not.
      return new S3Client({ ...common, forcePathStyle: options.endpoint !== undefined });
    }),
    dynamodb: client('dynamodb', async (common) => {
      const { DynamoDBClient } = await import('@aws-sdk/client-dynamodb');
      return new DynamoDBClient(common);
    }),
    ecr: client('ecr', async (common) => {
      const { ECRClient } = await import('@aws-sdk/client-ecr');
      return new ECRClient(common);
    }),
    ecs: client('ecs', async (common) => {
      const { ECSClient } = await import('@aws-sdk/client-ecs');
      return new ECSClient(common);
    }),
    loadBalancing: client('elbv2', async (common) => {
      const { ElasticLoadBalancingV2Client } = await import('@aws-sdk/client-elastic-load-balancing-v2');
      return new ElasticLoadBalancingV2Client(common);
    }),
    cloudwatch: client('cloudwatch', async (common) => {
      const { CloudWatchClient } = await import('@aws-sdk/client-cloudwatch');
      return new CloudWatchClient(common);
    }),
    logs: client('logs', async (common) => {
      const { CloudWatchLogsClient } = await import('@aws-sdk/client-cloudwatch-logs');
      return new CloudWatchLogsClient(common);
    }),
    ssm: client('ssm', async (common) => {
      const { SSMClient } = await import('@aws-sdk/client-ssm');
      return new SSMClient(common);
    }),
    sts: client('sts', async (common) => {
      const { STSClient } = await import('@aws-sdk/client-sts');
      return new STSClient(common);
    }),
    environment: async () => childEnvironment(options, keys),
    close() {
      for (const made of clients.values()) {
        made.then((open) => open.destroy()).catch(() => undefined);
      }
      clients.clear();
    },
  };
}

function keysOf(env: Readonly<Record<string, string | undefined>>): StaticCredentials | undefined {
  const {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: token,
  } = env;
  if (!accessKeyId || !secretAccessKey) return undefined;
  return { accessKeyId, secretAccessKey, ...(token ? { sessionToken: token } : {}) };
}

async function credentialChain(profile: string | undefined): Promise<CredentialProvider> {
  const { fromNodeProviderChain } = await import('@aws-sdk/credential-providers');
  return fromNodeProviderChain(profile === undefined ? {} : { profile });
}

function childEnvironment(
  options: SessionOptions,
  keys: StaticCredentials | undefined,
): Record<string, string> {
  const environment: Record<string, string> = {
    AWS_REGION: options.region,
    AWS_DEFAULT_REGION: options.region,
  };
  if (keys === undefined) {
    if (options.profile !== undefined) environment.AWS_PROFILE = options.profile;
    return environment;
  }
  environment.AWS_ACCESS_KEY_ID = keys.accessKeyId;
  environment.AWS_SECRET_ACCESS_KEY = keys.secretAccessKey;
  environment.AWS_SESSION_TOKEN = keys.sessionToken ?? '';
  // A profile of the shell that does not exist would fail the child although it has keys.
  environment.AWS_PROFILE = '';
  if (options.endpoint !== undefined) {
    environment.AWS_ENDPOINT_URL = options.endpoint;
    // Without this a missing key makes tools wait for an EC2 metadata service that is not there.
    environment.AWS_EC2_METADATA_DISABLED = 'true';
  }
  return environment;
}

/** The SDK prints a notice about Node versions of 2027 among our output; `doctor` is the place for that. */
function silenceRuntimeNotice(): void {
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
}
