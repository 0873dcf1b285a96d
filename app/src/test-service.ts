/** A service in a known state, for tests of routes and of the server. Not part of the bundle. */
import { Cache } from './cache/cache.ts';
import { type Config, parseConfig } from './config.ts';
import { RequestMetrics } from './request-metrics.ts';
import type { RouteRequest, Service } from './route.ts';
import { ServiceState } from './service-state.ts';
import type { TaskIdentity } from './task-identity.ts';
import { TokenSigner } from './token-signer.ts';

export const TEST_IDENTITY: TaskIdentity = {
  taskArn:
    'arn:aws:ecs:us-east-1:123456789012:task/devops-app-test-ecs-cluster/0f1e2d3c4b5a69788796a5b4c3d2e1f0',
  taskId: '0f1e2d3c4b5a69788796a5b4c3d2e1f0',
  zone: 'us-east-1b',
  imageDigest: `sha256:${'0123456789abcdef'.repeat(4)}`,
  memoryLimitBytes: 536_870_912,
};

/** @throws Error when the variables are not a valid configuration */
export function testConfig(variables: Readonly<Record<string, string>> = {}): Config {
  const result = parseConfig(variables);
  if (!result.ok) throw new Error(`bad configuration in a test: ${JSON.stringify(result.problems)}`);
  return result.config;
}

export const TEST_NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

/** A request as a route sees it; what is left out is as if the client had not sent it. */
export function testRequest(parts: Partial<RouteRequest> = {}): RouteRequest {
  return {
    accept: undefined,
    authorization: undefined,
    contentType: undefined,
    parameter: '',
    query: '',
    body: Buffer.alloc(0),
    ...parts,
  };
}

/** Text of an answer. */
export function bodyOf({ body }: { readonly body: string | Buffer }): string {
  return body.toString();
}

/** A ready service; `variables` are its environment variables. */
export function testService(variables: Readonly<Record<string, string>> = {}): Service {
  const state = new ServiceState();
  state.becomeReady(TEST_IDENTITY);
  return {
    application: 'app',
    version: '1.2.3',
    config: testConfig(variables),
    state,
    metrics: new RequestMetrics(() => 0),
    cache: new Cache({
      now: () => TEST_NOW_MS,
      schedule: () => {},
      keyPrefix: '',
      connect: undefined,
      onMode: () => {},
    }),
    tokens: variables.APP_SECRET === undefined ? undefined : new TokenSigner(variables.APP_SECRET, undefined),
    faults: undefined,
    variables: {},
    now: () => TEST_NOW_MS,
    uptimeSeconds: () => 3_725.9,
    sampleRuntime: () => ({
      residentBytes: 50_000_000,
      memoryLimitBytes: undefined,
      heapUsedBytes: 6_000_000,
      heapTotalBytes: 8_000_000,
      cpuSeconds: 1.5,
      lagMeanSeconds: 0.001,
      lagP99Seconds: 0.004,
    }),
  };
}
