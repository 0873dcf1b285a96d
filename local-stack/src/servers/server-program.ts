/**
 * The servers of the stack as programs of this computer: under which names they are installed, how they are started on
 * a port of loopback with their files in the state directory, and how to know that they are ready. Data; nothing is run.
 */
import { basename, join } from 'node:path';
import type { ComponentName } from '../contract.ts';
import { findGrafanaHome } from './find-grafana-home.ts';

export interface ServerPorts {
  readonly prometheus: number;
  readonly grafana: number;
  readonly redis: number;
  readonly 'redis-exporter': number;
}

export type ServerName = keyof ServerPorts & ComponentName;

export interface ServerSurroundings {
  /** `local-stack/`. */
  readonly home: string;
  /** Path of the program that was found. */
  readonly program: string;
  /** Of this server alone; it exists. */
  readonly folder: string;
  readonly ports: ServerPorts;
  /** Prometheus' configuration for these ports. */
  readonly prometheusConfig: string;
}

export interface ServerProgram {
  readonly name: ServerName;
  readonly title: string;
  /** The first that is on the PATH is taken. */
  readonly programs: readonly string[];
  readonly usualPort: number;
  /** Without it the stack works, if less well. */
  readonly install: string;
  readonly args: (around: ServerSurroundings) => readonly string[];
  readonly environment?: (around: ServerSurroundings) => Readonly<Record<string, string>>;
  readonly url: (port: number) => string;
  /** Path that answers 200 when it is ready; undefined where no HTTP is spoken. */
  readonly readyPath: string | undefined;
}

const http = (port: number) => `http://127.0.0.1:${port}`;

export const SERVER_PROGRAMS: readonly ServerProgram[] = [
  {
    name: 'redis',
    title: 'Redis',
    programs: ['redis-server', 'valkey-server'],
    usualPort: 6379,
    install: 'sudo apt-get install redis-server (macOS: brew install redis)',
    args: ({ home, folder, ports }) => [
      join(home, 'redis', 'redis.conf'),
      ...['--bind', '127.0.0.1', '--port', String(ports.redis), '--dir', folder],
    ],
    url: (port) => `redis://127.0.0.1:${port}`,
    readyPath: undefined,
  },
  {
    name: 'redis-exporter',
    title: 'Redis exporter',
    // Debian's name, and its own.
    programs: ['prometheus-redis-exporter', 'redis_exporter'],
    usualPort: 9121,
    install: 'sudo apt-get install prometheus-redis-exporter',
    args: ({ ports }) => [
      ...['-redis.addr', `redis://127.0.0.1:${ports.redis}`],
      ...['-web.listen-address', `127.0.0.1:${ports['redis-exporter']}`],
    ],
    url: (port) => `${http(port)}/metrics`,
    readyPath: '/metrics',
  },
  {
    name: 'prometheus',
    title: 'Prometheus',
    programs: ['prometheus'],
    usualPort: 9090,
    install: 'sudo apt-get install prometheus (macOS: brew install prometheus)',
    args: ({ folder, ports, prometheusConfig }) => [
      `--config.file=${prometheusConfig}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      '--storage.tsdb.retention.time=7d',
      `--web.listen-address=127.0.0.1:${ports.prometheus}`,
    ],
    url: http,
    readyPath: '/-/ready',
  },
  {
    name: 'grafana',
    title: 'Grafana',
    // The second is what newer packages have.
    programs: ['grafana-server', 'grafana'],
    usualPort: 3000,
    install:
      'install it from https://grafana.com/grafana/download (macOS: brew install grafana), or start a container engine',
    args: ({ program }) => [
      ...(basename(program) === 'grafana' ? ['server'] : []),
      ...['--homepath', findGrafanaHome(program)],
    ],
    environment: ({ home, folder, ports }) => ({
      GF_PATHS_DATA: join(folder, 'data'),
      GF_PATHS_LOGS: join(folder, 'logs'),
      GF_PATHS_PLUGINS: join(folder, 'plugins'),
      GF_PATHS_PROVISIONING: join(home, 'grafana', 'provisioning'),
      GF_SERVER_HTTP_ADDR: '127.0.0.1',
      GF_SERVER_HTTP_PORT: String(ports.grafana),
      GF_AUTH_ANONYMOUS_ENABLED: 'true',
      GF_AUTH_ANONYMOUS_ORG_ROLE: 'Admin',
      GF_AUTH_DISABLE_LOGIN_FORM: 'true',
      GF_ANALYTICS_REPORTING_ENABLED: 'false',
      GF_ANALYTICS_CHECK_FOR_UPDATES: 'false',
      GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES: 'false',
      GF_NEWS_NEWS_FEED_ENABLED: 'false',
      PROMETHEUS_URL: http(ports.prometheus),
      DASHBOARDS_FOLDER: join(home, 'grafana', 'dashboards'),
    }),
    url: http,
    readyPath: '/api/health',
  },
];
