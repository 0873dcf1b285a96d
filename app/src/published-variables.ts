/**
 * The environment variables that `/env` shows. A list of names that may be shown, and not of names to hide:
 * a variable that nobody thought of stays hidden. Pure.
 */

const PLAIN: readonly string[] = [
  'PORT',
  'HOST',
  'ENVIRONMENT',
  'GREETING',
  'LOG_LEVEL',
  'FAULTS',
  'METRICS_INTERVAL_SECONDS',
  'SHUTDOWN_DELAY_MS',
  'SHUTDOWN_TIMEOUT_MS',
  'NODE_ENV',
  'AWS_REGION',
];
/** Of these only whether they are set. */
const HIDDEN: readonly string[] = ['APP_SECRET', 'APP_SECRET_PREVIOUS', 'ECS_CONTAINER_METADATA_URI_V4'];

type Variables = Readonly<Record<string, string | undefined>>;

/** An address without user, password and query. */
function renderAddress(url: string): string {
  if (!URL.canParse(url)) return '(set)';
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

/** Name to value; what is unset or empty is left out. */
export function publishVariables(variables: Variables): Readonly<Record<string, string>> {
  const shown: Record<string, string> = {};
  const isSet = (value: string | undefined): value is string => value !== undefined && value !== '';
  for (const name of PLAIN) {
    const value = variables[name];
    if (isSet(value)) shown[name] = value;
  }
  for (const name of HIDDEN) if (isSet(variables[name])) shown[name] = '(set)';
  const { REDIS_URL } = variables;
  if (isSet(REDIS_URL)) shown.REDIS_URL = renderAddress(REDIS_URL);
  return shown;
}
