/** Decides who runs the servers of the stack, the engine or this computer, and starts them. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock, Component, StackEvent, StackOptions } from '../contract.ts';
import { findFreePort } from '../free-port.ts';
import type { StartProgram } from '../start-program.ts';
import { type ComposeOptions, composeDown, composeUp, findCompose } from './compose-servers.ts';
import { findServerProgram, missingServer, type RunningServer, startNativeServer } from './native-servers.ts';
import { renderPrometheusConfig } from './prometheus-config.ts';
import { SERVER_PROGRAMS, type ServerPorts, type ServerProgram } from './server-program.ts';
import { answers, untilReady } from './until-ready.ts';

/** How often another port is tried. */
const PORT_ATTEMPTS = 3;
/** Containers that compose has started answer after it has ended. */
const CONTAINER_READY_LIMIT_MS = 60_000;

export interface ServersOptions {
  readonly options: StackOptions;
  readonly clock: Clock;
  readonly log: (line: string) => void;
  readonly start: StartProgram;
  readonly notify: (event: StackEvent) => void;
  readonly ports: ServerPorts;
  readonly appPort: number;
  readonly taskTargetsUrl: string;
  /** Nothing is started after it. */
  readonly ending: AbortSignal;
  /** Told before anything is started. */
  readonly onStop: (name: string, stop: () => Promise<void>) => void;
}

export interface StartedServers {
  readonly withoutCompose: string | undefined;
  components(): Promise<readonly Component[]>;
  /** undefined when Redis did not start. */
  readonly redisUrl: string | undefined;
}

export class NoComposeError extends Error {
  readonly code = 'NO_CONTAINER_ENGINE';
  readonly hint = 'towpath stack up --runner native takes the programs of this computer';
}

export async function startServers(starting: ServersOptions): Promise<StartedServers> {
  const { options } = starting;
  const compose = options.runner === 'native' ? 'nobody asked for it' : await tryCompose(starting);
  starting.ending.throwIfAborted();
  if (typeof compose !== 'string') return withRedis(compose, undefined);
  if (options.runner === 'compose') throw new NoComposeError(`The compose file can't be used: ${compose}.`);
  const servers = await startNative(starting);
  return withRedis(servers, options.runner === 'native' ? undefined : compose);
}

async function withRedis(
  servers: readonly RunningServer[],
  withoutCompose: string | undefined,
): Promise<StartedServers> {
  const components = () => Promise.all(servers.map((server) => server.component()));
  const redis = (await components()).find(({ name }) => name === 'redis');
  return {
    withoutCompose,
    components,
    redisUrl: redis?.state === 'running' ? redis.url : undefined,
  };
}

/** @returns the servers, or why there are none */
async function tryCompose(starting: ServersOptions): Promise<readonly RunningServer[] | string> {
  const { options, clock, log, start, notify, ports, onStop } = starting;
  if (options.engine === undefined) return 'no container engine answers';
  const call: ComposeOptions = {
    start,
    clock,
    variables: options.variables,
    stateDir: options.stateDir,
    onLine: log,
  };
  const command = await findCompose(options.engine, call);
  if (command === undefined) return `${options.engine} answers, but has no compose`;
  notify({
    type: 'note',
    text: `${command.join(' ')} brings up the servers; the first time, it downloads them`,
  });
  const config = writePrometheusConfig(starting, 'rules/*.yml', ports['redis-exporter']);
  let up: Promise<string | undefined> = Promise.resolve(undefined);
  onStop('containers', async () => {
    await up;
    await composeDown(call);
  });
  up = composeUp(
    {
      command,
      file: join(options.home, 'compose.yaml'),
      name: `${options.project}-stack`,
      variables: {
        PROMETHEUS_CONFIG: config,
        PROMETHEUS_PORT: String(ports.prometheus),
        GRAFANA_PORT: String(ports.grafana),
        REDIS_PORT: String(ports.redis),
        REDIS_EXPORTER_PORT: String(ports['redis-exporter']),
      },
    },
    call,
    starting.ending,
  );
  const failure = await up;
  if (failure !== undefined) return `${command.join(' ')} failed: ${failure}`;
  return Promise.all(SERVER_PROGRAMS.map((server) => watchContainer(server, ports[server.name], clock)));
}

/** A container that ends later does not tell us: whoever asks for its state has it asked. */
async function watchContainer(server: ServerProgram, port: number, clock: Clock): Promise<RunningServer> {
  const { name, title, usualPort } = server;
  const base = { name, title, runner: 'compose' } as const;
  const hint = 'docker logs, or podman logs, of its container shows why';
  const failure = await untilReady(server, port, CONTAINER_READY_LIMIT_MS, clock);
  const describe = async (): Promise<Component> => {
    if (failure !== undefined) return { ...base, state: 'failed', url: undefined, detail: failure, hint };
    if (!(await answers(server.readyPath, port)))
      return { ...base, state: 'ended', url: undefined, detail: 'it does not answer any more', hint };
    const moved = port === usualPort ? undefined : `port ${usualPort} is taken by another program`;
    return { ...base, state: 'running', url: server.url(port), detail: moved, hint: undefined };
  };
  return { component: describe };
}

async function startNative(starting: ServersOptions): Promise<readonly RunningServer[]> {
  const { options } = starting;
  const ports = { ...starting.ports };
  const found = await Promise.all(
    SERVER_PROGRAMS.map(async (server) => ({
      server,
      program: await findServerProgram(server, options.variables.PATH),
    })),
  );
  const has = (name: ServerProgram['name']) =>
    found.some(({ server, program }) => server.name === name && program !== undefined);
  const hasExporter = has('redis') && has('redis-exporter');
  const rules = join(options.home, 'prometheus', 'rules', '*.yml');
  const servers: RunningServer[] = [];
  // One after the other: each needs to know the ports of those before it.
  for (const { server, program } of found) {
    starting.ending.throwIfAborted();
    servers.push(
      program === undefined
        ? { component: () => missingServer(server) }
        : await startOnFreePort(server, ports, () => {
            const prometheusConfig = writePrometheusConfig(
              { ...starting, ports },
              rules,
              hasExporter ? ports['redis-exporter'] : undefined,
            );
            const around = { home: options.home, ports, prometheusConfig };
            return startNativeServer(server, program, { ...starting, ...options, around });
          }),
    );
  }
  return servers;
}

/**
 * A port that was free when it was chosen may be somebody else's by now, such as another stack's that starts at the same
 * moment: then another is taken. Changes `ports`.
 */
async function startOnFreePort(
  server: ServerProgram,
  ports: Record<ServerProgram['name'], number>,
  start: () => Promise<RunningServer>,
): Promise<RunningServer> {
  for (let attempt = 1; ; attempt += 1) {
    const running = await start();
    if ((await running.component()).state === 'running' || attempt === PORT_ATTEMPTS) return running;
    const port = ports[server.name];
    const free = await findFreePort(port, new Set(Object.values(ports).filter((other) => other !== port)));
    if (free === port) return running;
    ports[server.name] = free;
  }
}

/** @returns its path. Readable by all: in a container, Prometheus is another user */
function writePrometheusConfig(
  { options, appPort, ports, taskTargetsUrl }: ServersOptions,
  rules: string,
  redisExporterPort: number | undefined,
): string {
  const text = readFileSync(join(options.home, 'prometheus', 'prometheus.yml'), 'utf8');
  const file = join(options.stateDir, 'prometheus.yml');
  rmSync(file, { force: true });
  const { name } = options.service;
  const addresses = {
    service: name,
    appPort,
    prometheusPort: ports.prometheus,
    redisExporterPort,
    taskTargetsUrl,
  };
  writeFileSync(file, renderPrometheusConfig(text, { ...addresses, rules }), { mode: 0o644 });
  return file;
}
