/**
 * Composition root of the reference service: configuration, ports, start, signals, exit codes.
 *
 * Exit codes: 0 stopped as asked · 1 could not start, crashed, or had to cut requests off ·
 * 78 the configuration is wrong (EX_CONFIG of sysexits.h)
 */
import { randomBytes } from 'node:crypto';
import manifest from '../package.json' with { type: 'json' };
import { type BatchWriter, createBatchWriter } from './batch-writer.ts';
import { Cache, type CacheEvents } from './cache/cache.ts';
import { type Config, parseConfig, renderConfigProblem, type Secrets } from './config.ts';
import { createServer } from './create-server.ts';
import { renderEmbeddedMetrics } from './embedded-metrics.ts';
import { FaultRegistry } from './faults/fault-registry.ts';
import { createProcessEffect } from './faults/process-effect.ts';
import { createIdSource } from './id-source.ts';
import { ListenError, listen } from './listen.ts';
import { createLogger, type Logger } from './logger.ts';
import { publishVariables } from './published-variables.ts';
import { RequestMetrics } from './request-metrics.ts';
import type { Service } from './route.ts';
import { createRoutes } from './routes/all-routes.ts';
import { startRuntimeSampler } from './runtime-sample.ts';
import { ServiceState } from './service-state.ts';
import { stopServer } from './stop-server.ts';
import { loadTaskIdentity } from './task-identity.ts';
import { TokenSigner } from './token-signer.ts';

const EXIT_OK = 0;
const EXIT_FAILED = 1;
const EXIT_CONFIG = 78;

/** As a bug would: after an injected fault the exit code tells nothing else. */
const EXIT_INJECTED_CRASH = 70;
const MS_PER_SECOND = 1_000;

/** Calls back later without keeping the process alive. */
function schedule(delayMs: number, action: () => void): void {
  setTimeout(action, delayMs).unref();
}

async function createCache({ redisUrl }: Secrets, environment: string, logger: Logger): Promise<Cache> {
  // Where there is no Redis, its client costs neither time at start nor memory.
  const connect =
    redisUrl === undefined
      ? undefined
      : await import('./cache/redis-port.ts').then(
          ({ connectRedis }) =>
            (events: CacheEvents) =>
              connectRedis(redisUrl, events),
        );
  return new Cache({
    now: Date.now,
    schedule,
    // Environments may share a Redis; their keys must not meet.
    keyPrefix: `${manifest.name}:${environment}:cache:`,
    connect,
    onMode: (mode, problem) => logger.log(mode === 'degraded' ? 'warn' : 'info', 'cache', { mode, problem }),
  });
}

function createFaults({ faultsEnabled }: Config, logger: Logger): FaultRegistry | undefined {
  if (!faultsEnabled) return undefined;
  logger.log('warn', 'faults can be injected');
  const startEffect = createProcessEffect(() => {
    logger.log('error', 'crashed on purpose');
    process.exit(EXIT_INJECTED_CRASH);
  });
  return new FaultRegistry({ now: Date.now, random: Math.random, schedule, startEffect });
}

async function createService(config: Config, secrets: Secrets, logger: Logger): Promise<Service> {
  const sampler = startRuntimeSampler();
  const { current, previous } = secrets;
  return {
    application: manifest.name,
    version: manifest.version,
    config,
    state: new ServiceState(),
    metrics: new RequestMetrics(),
    cache: await createCache(secrets, config.environment, logger),
    tokens: current === undefined ? undefined : new TokenSigner(current, previous),
    faults: createFaults(config, logger),
    variables: publishVariables(process.env),
    uptimeSeconds: () => process.uptime(),
    now: Date.now,
    sampleRuntime: (peek) => sampler.sample(peek),
  };
}

/** Metrics of each interval as one line of the log. The lag is that of the scraper's interval, where there is one. */
function startEmbeddedMetrics(service: Service, logger: Logger): void {
  const { metricsIntervalSeconds, environment } = service.config;
  if (metricsIntervalSeconds === 0) return;
  const log = (): void => {
    const fields = renderEmbeddedMetrics({
      nowMs: Date.now(),
      application: service.application,
      environment,
      interval: service.metrics.window.takeInterval(),
      runtime: service.sampleRuntime(true),
      cache: service.cache.status(),
    });
    logger.log('info', 'metrics', fields);
  };
  setInterval(log, metricsIntervalSeconds * MS_PER_SECOND).unref();
}

async function serve(config: Config, secrets: Secrets, logger: Logger): Promise<void> {
  const service = await createService(config, secrets, logger);
  const { state, metrics } = service;
  const server = createServer({
    service,
    routes: createRoutes({ faults: config.faultsEnabled }),
    logger,
    elapsedMs: () => performance.now(),
    generateId: createIdSource(randomBytes),
  });

  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (state.phase === 'draining') {
      logger.log('warn', 'second signal, leaving at once', { signal, inFlight: metrics.inFlight });
      process.exit(EXIT_FAILED);
    }
    logger.log('info', 'stopping', { signal });
    const { shutdownDelayMs: delayMs, shutdownTimeoutMs: timeoutMs } = config;
    const { cutRequests } = await stopServer({ server, state, metrics, logger, delayMs, timeoutMs });
    await service.cache.stop();
    logger.log(cutRequests === 0 ? 'info' : 'error', 'stopped', { cutRequests, served: metrics.served });
    process.exit(cutRequests === 0 ? EXIT_OK : EXIT_FAILED);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);

  const address = await listen(server, config.host, config.port);
  logger.log('info', 'listening', {
    host: address.address,
    port: address.port,
    environment: config.environment,
    version: manifest.version,
    secretPresent: config.secretPresent,
    signingKeys: service.tokens?.keyIds.join(' '),
  });
  startEmbeddedMetrics(service, logger);
  const { identity, problem } = await loadTaskIdentity(config.metadataUri);
  if (problem !== undefined) logger.log('warn', 'task identity is not known', { problem });
  state.becomeReady(identity);
  logger.log('info', state.phase, {
    task: identity.taskId,
    zone: identity.zone,
    imageDigest: identity.imageDigest,
  });
}

/** Nobody may be left to read the log; that is no reason to fail a request. */
function createStdout(): BatchWriter {
  process.stdout.on('error', () => {});
  const writer = createBatchWriter({ sink: (bytes) => process.stdout.write(bytes), schedule });
  process.on('exit', writer.flush);
  return writer;
}

/** What must not appear in the log. A password of Redis is secret, its address is not. */
function secretValues({ current, previous, redisUrl }: Secrets): readonly string[] {
  const password = redisUrl === undefined ? '' : decodeURIComponent(new URL(redisUrl).password);
  return [current, previous, password].filter((value) => value !== undefined && value !== '') as string[];
}

function main(): void {
  const result = parseConfig(process.env);
  const { write, flush } = createStdout();
  const logger = createLogger(result.ok ? result.config.logLevel : 'info', {
    write,
    flush,
    now: Date.now,
    secrets: result.ok ? secretValues(result.secrets) : [],
  });
  process.on('uncaughtException', (error) => {
    logger.log('error', 'crashed', { error: error.stack ?? error.message });
    process.exit(EXIT_FAILED);
  });
  if (!result.ok) {
    for (const problem of result.problems) logger.log('error', renderConfigProblem(problem));
    process.exit(EXIT_CONFIG);
  }
  serve(result.config, result.secrets, logger).catch((error: unknown) => {
    if (!(error instanceof ListenError)) throw error;
    logger.log('error', error.message);
    process.exit(EXIT_FAILED);
  });
}

main();
