/**
 * The environment variables of the service, read once into a typed object.
 * Pure: it neither reads `process.env` nor exits. Routes see the configuration and never the secrets beside it.
 */

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

export interface Config {
  /** Address to listen on. */
  readonly host: string;
  /** TCP port; 0 lets the system choose a free one. */
  readonly port: number;
  readonly environment: string;
  readonly greeting: string;
  readonly secretPresent: boolean;
  /** Whether the cache is to use Redis. */
  readonly redisConfigured: boolean;
  /** Whether faults may be injected for rehearsals. */
  readonly faultsEnabled: boolean;
  /** How often metrics go into the log, seconds; 0 is never. */
  readonly metricsIntervalSeconds: number;
  /** Base URL of the ECS task metadata endpoint, version 4, without a slash at the end. */
  readonly metadataUri: string | undefined;
  /** How long readiness fails before the listener closes, in milliseconds. */
  readonly shutdownDelayMs: number;
  /** How long requests in flight may take after that, in milliseconds. */
  readonly shutdownTimeoutMs: number;
  readonly logLevel: LogLevel;
}

/** What only the composition root may hold. */
export interface Secrets {
  readonly current: string | undefined;
  /** Still accepted in tokens, while secrets are rotated. */
  readonly previous: string | undefined;
  /** May hold a password. */
  readonly redisUrl: string | undefined;
}

export interface ConfigProblem {
  readonly variable: string;
  /** Of a variable that holds a secret, a stand-in. */
  readonly value: string;
  readonly allowed: string;
}

export type ConfigResult =
  | { readonly ok: true; readonly config: Config; readonly secrets: Secrets }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

export const DEFAULT_PORT = 5000;
export const DEFAULT_SHUTDOWN_DELAY_MS = 5_000;
/** Delay and timeout together stay below the 30 s after which ECS kills a task. */
export const DEFAULT_SHUTDOWN_TIMEOUT_MS = 20_000;
/** The longest stop timeout that Fargate grants, in milliseconds. */
export const MAX_SHUTDOWN_MS = 120_000;
export const DEFAULT_METRICS_INTERVAL_SECONDS = 60;
const MAX_METRICS_INTERVAL_SECONDS = 3_600;
/** Environments in which nobody may break the service on purpose. */
const PRODUCTION_PATTERN = /^(?:prod|prd|live)/i;
const MAX_PORT = 65_535;
const MAX_GREETING_CHARS = 200;
const ENVIRONMENT_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const HOST_PATTERN = /^[A-Za-z0-9.:_-]{1,253}$/;
const WHOLE_NUMBER = /^\d{1,9}$/;
const MAX_SHOWN_CHARS = 80;
const HIDDEN = '(hidden)';

type Variables = Readonly<Record<string, string | undefined>>;

/** The parts of it are percent-encoded; a stray `%` in a password would fail only later. */
function isRedisUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, username, password } = new URL(value);
  try {
    decodeURIComponent(username + password);
  } catch {
    return false;
  }
  return protocol === 'redis:' || protocol === 'rediss:';
}

/** Reads one variable at a time and collects what is wrong, so that all problems are reported at once. */
class VariableReader {
  readonly problems: ConfigProblem[] = [];
  readonly #variables: Variables;

  constructor(variables: Variables) {
    this.#variables = variables;
  }

  /** An empty variable counts as unset: compose files and task definitions often pass empty strings. */
  raw(variable: string): string | undefined {
    const value = this.#variables[variable];
    return value === undefined || value === '' ? undefined : value;
  }

  wholeNumber(variable: string, fallback: number, max: number): number {
    const value = this.raw(variable);
    if (value === undefined) return fallback;
    if (WHOLE_NUMBER.test(value) && Number(value) <= max) return Number(value);
    this.#reject(variable, value, `a whole number from 0 to ${max}`);
    return fallback;
  }

  text(variable: string, fallback: string, accepts: (value: string) => boolean, allowed: string): string {
    const value = this.raw(variable);
    if (value === undefined) return fallback;
    if (accepts(value)) return value;
    this.#reject(variable, value, allowed);
    return fallback;
  }

  url(variable: string): string | undefined {
    const value = this.raw(variable);
    if (value === undefined) return undefined;
    if (URL.canParse(value) && ['http:', 'https:'].includes(new URL(value).protocol)) {
      return value.replace(/\/+$/, '');
    }
    this.#reject(variable, value, 'an http URL');
    return undefined;
  }

  redisUrl(variable: string): string | undefined {
    const value = this.raw(variable);
    if (value === undefined) return undefined;
    if (isRedisUrl(value)) return value;
    this.#reject(variable, HIDDEN, 'redis://HOST:PORT, or rediss://HOST:PORT with TLS');
    return undefined;
  }

  faults(variable: string, environment: string): boolean {
    const production = PRODUCTION_PATTERN.test(environment);
    const allowed = production ? `off in the environment ${environment}` : 'on or off';
    const accepts = (value: string) => value === 'off' || (value === 'on' && !production);
    return this.text(variable, 'off', accepts, allowed) === 'on';
  }

  #reject(variable: string, value: string, allowed: string): void {
    this.problems.push({ variable, value, allowed });
  }
}

/** Reads the configuration; on failure every problem is listed. */
export function parseConfig(variables: Variables): ConfigResult {
  const read = new VariableReader(variables);
  const level = read.text(
    'LOG_LEVEL',
    'info',
    (value) => LOG_LEVELS.some((known) => known === value),
    `one of ${LOG_LEVELS.join(', ')}`,
  );
  const environment = read.text(
    'ENVIRONMENT',
    'local',
    (value) => ENVIRONMENT_PATTERN.test(value),
    'up to 64 letters, digits, - and _, starting with a letter or digit',
  );
  const metadataUri = read.url('ECS_CONTAINER_METADATA_URI_V4');
  const secrets: Secrets = {
    current: read.raw('APP_SECRET'),
    previous: read.raw('APP_SECRET_PREVIOUS'),
    redisUrl: read.redisUrl('REDIS_URL'),
  };
  const config: Config = {
    host: read.text('HOST', '0.0.0.0', (value) => HOST_PATTERN.test(value), 'an IP address or a host name'),
    port: read.wholeNumber('PORT', DEFAULT_PORT, MAX_PORT),
    environment,
    greeting: read.text(
      'GREETING',
      'Hello from Towpath',
      (value) => value.length <= MAX_GREETING_CHARS,
      `at most ${MAX_GREETING_CHARS} characters`,
    ),
    secretPresent: secrets.current !== undefined,
    redisConfigured: secrets.redisUrl !== undefined,
    faultsEnabled: read.faults('FAULTS', environment),
    // Outside ECS nobody turns log lines into metrics.
    metricsIntervalSeconds: read.wholeNumber(
      'METRICS_INTERVAL_SECONDS',
      metadataUri === undefined ? 0 : DEFAULT_METRICS_INTERVAL_SECONDS,
      MAX_METRICS_INTERVAL_SECONDS,
    ),
    metadataUri,
    shutdownDelayMs: read.wholeNumber('SHUTDOWN_DELAY_MS', DEFAULT_SHUTDOWN_DELAY_MS, MAX_SHUTDOWN_MS),
    shutdownTimeoutMs: read.wholeNumber('SHUTDOWN_TIMEOUT_MS', DEFAULT_SHUTDOWN_TIMEOUT_MS, MAX_SHUTDOWN_MS),
    logLevel: LOG_LEVELS.find((known) => known === level) ?? 'info',
  };
  return read.problems.length === 0 ? { ok: true, config, secrets } : { ok: false, problems: read.problems };
}

/** One sentence with the variable, the offending value and what to do. */
export function renderConfigProblem(problem: ConfigProblem): string {
  const shown =
    problem.value.length > MAX_SHOWN_CHARS ? `${problem.value.slice(0, MAX_SHOWN_CHARS)}…` : problem.value;
  return `${problem.variable}=${JSON.stringify(shown)} can't be used: set it to ${problem.allowed}, or leave it out for the default`;
}
