/**
 * From where on a figure is shown as bad. The alert rules in `prometheus/rules/alerts.yml` say the same, which a test
 * holds them to; errors and latency are those of the CloudWatch alarms in `infra/modules/monitoring`.
 */
export const ERROR_RATIO = 0.05;
export const LATENCY_P95_SECONDS = 1;
export const EVENT_LOOP_LAG_SECONDS = 0.1;
export const REDIS_EVICTED_PER_SECOND = 1;
