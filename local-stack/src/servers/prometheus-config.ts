/**
 * The committed configuration of Prometheus for the stack that really runs: addresses of what was started, no job for
 * what was not. Pure.
 */
import { parse, stringify } from 'yaml';

export interface ScrapedAddresses {
  /** Label `service` of the app. */
  readonly service: string;
  readonly appPort: number;
  readonly prometheusPort: number;
  /** undefined: there is no exporter. */
  readonly redisExporterPort: number | undefined;
  /** Answers in the format of HTTP service discovery. */
  readonly taskTargetsUrl: string;
  /** As Prometheus sees it, which in a container is another path. */
  readonly rules: string;
}

interface ScrapeJob {
  readonly job_name: string;
  readonly static_configs?: readonly {
    readonly targets: readonly string[];
    readonly labels?: Readonly<Record<string, string>>;
  }[];
  readonly http_sd_configs?: readonly { readonly url: string }[];
}

interface Configuration {
  readonly rule_files: readonly string[];
  readonly scrape_configs: readonly ScrapeJob[];
}

/** @param text local-stack/prometheus/prometheus.yml; jobs that are not known here stay as they are */
export function renderPrometheusConfig(text: string, addresses: ScrapedAddresses): string {
  const configuration = parse(text) as Configuration;
  return stringify({
    ...configuration,
    rule_files: [addresses.rules],
    scrape_configs: configuration.scrape_configs.flatMap((job) => {
      const rendered = renderJob(job, addresses);
      return rendered === undefined ? [] : [rendered];
    }),
  });
}

function renderJob(job: ScrapeJob, addresses: ScrapedAddresses): ScrapeJob | undefined {
  const at = (port: number, labels = {}) => ({
    ...job,
    static_configs: (job.static_configs ?? []).map((group) => ({
      ...group,
      targets: [`127.0.0.1:${port}`],
      ...(group.labels && { labels: { ...group.labels, ...labels } }),
    })),
  });
  switch (job.job_name) {
    case 'app':
      return at(addresses.appPort, { service: addresses.service });
    case 'tasks':
      return {
        ...job,
        http_sd_configs: (job.http_sd_configs ?? []).map((discovery) => ({
          ...discovery,
          url: addresses.taskTargetsUrl,
        })),
      };
    case 'redis':
      return addresses.redisExporterPort === undefined ? undefined : at(addresses.redisExporterPort);
    case 'prometheus':
      return at(addresses.prometheusPort);
    default:
      return job;
  }
}
