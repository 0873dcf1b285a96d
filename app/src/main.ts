/**
 * Composition root of the reference service: configuration, ports, start, signals, exit codes.
 *
 * Exit codes: 0 stopped as asked · 1 could not start, crashed, or had to cut requests off ·
 * 78 the configuration is wrong (EX_CONFIG of sysexits.h)
 */
import { randomUUID } from 'node:crypto';
import manifest from '../package.json' with { type: 'json' };
import { type Config, parseConfig, renderConfigProblem } from './config.ts';
import { createServer } from './create-server.ts';
import { ListenError, listen } from './listen.ts';
import { createLogger, type Logger } from './logger.ts';
import { RequestMetrics } from './request-metrics.ts';
import type { Service } from './route.ts';
import { ALL_ROUTES } from './routes/all-routes.ts';
import { startRuntimeSampler } from './runtime-sample.ts';
import { ServiceState } from './service-state.ts';
import { stopServer } from './stop-server.ts';
import { loadTaskIdentity } from './task-identity.ts';

const EXIT_OK = 0;
const EXIT_FAILED = 1;
const EXIT_CONFIG = 78;

function write(line: string): void {
  process.stdout.write(line);
}

async function serve(config: Config, logger: Logger): Promise<void> {
  const state = new ServiceState();
  const metrics = new RequestMetrics();
  const sampler = startRuntimeSampler();
  const service: Service = {
    application: manifest.name,
    version: manifest.version,
    config,
    state,
    metrics,
    uptimeSeconds: () => process.uptime(),
    sampleRuntime: () => sampler.sample(),
  };
  const server = createServer({
    service,
    routes: ALL_ROUTES,
    logger,
    elapsedMs: () => performance.now(),
    generateId: randomUUID,
  });

  const stop = async (signal: NodeJS.Signals): Promise<void> => {
    if (state.phase === 'draining') {
      logger.log('warn', 'second signal, leaving at once', { signal, inFlight: metrics.inFlight });
      process.exit(EXIT_FAILED);
    }
    logger.log('info', 'stopping', { signal });
    const { shutdownDelayMs: delayMs, shutdownTimeoutMs: timeoutMs } = config;
    const { cutRequests } = await stopServer({ server, state, metrics, logger, delayMs, timeoutMs });
    sampler.stop();
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
  });
  const { identity, problem } = await loadTaskIdentity(config.metadataUri);
  if (problem !== undefined) logger.log('warn', 'task identity is not known', { problem });
  state.becomeReady(identity);
  logger.log('info', state.phase, {
    task: identity.taskId,
    zone: identity.zone,
    imageDigest: identity.imageDigest,
  });
}

function main(): void {
  const result = parseConfig(process.env);
  const logger = createLogger(result.ok ? result.config.logLevel : 'info', { write, now: Date.now });
  process.on('uncaughtException', (error) => {
    logger.log('error', 'crashed', { error: error.stack ?? error.message });
    process.exit(EXIT_FAILED);
  });
  if (!result.ok) {
    for (const problem of result.problems) logger.log('error', renderConfigProblem(problem));
    process.exit(EXIT_CONFIG);
  }
  serve(result.config, logger).catch((error: unknown) => {
    if (!(error instanceof ListenError)) throw error;
    logger.log('error', error.message);
    process.exit(EXIT_FAILED);
  });
}

main();
