/** Label matchers and ranges that the queries of several dashboards share. Pure text. */

/** The local app, and every task of the embedded AWS. */
export const APP_JOBS = 'job=~"app|tasks"';
/** Questions of load balancers, of Prometheus and of the page are no load. The recording rules leave out the same. */
export const NO_PROBES = 'route!~"/healthz|/readyz|/metrics|/status"';
/** What the variables of a dashboard have chosen. */
export const CHOSEN = `${APP_JOBS}, environment=~"$environment", service=~"$service"`;
export const CHOSEN_REQUESTS = `${CHOSEN}, ${NO_PROBES}`;
/** The same for metrics of recording rules, which have no `job`. */
export const CHOSEN_RECORDED = 'environment=~"$environment", service=~"$service"';
export const CHOSEN_REDIS = 'job="redis", instance=~"$instance"';
/** Grafana's: wide enough for a rate at this zoom. */
export const RATE = '[$__rate_interval]';
/** Grafana's: the whole time that is shown. */
export const WHOLE_RANGE = '[$__range]';

export function quantile(q: number, buckets: string): string {
  return `histogram_quantile(${q}, ${buckets})`;
}
