import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { renderPrometheusConfig } from './prometheus-config.ts';

const committed = readFileSync(new URL('../../prometheus/prometheus.yml', import.meta.url), 'utf8');
const addresses = {
  service: 'shop',
  appPort: 5001,
  prometheusPort: 9095,
  redisExporterPort: 9122,
  taskTargetsUrl: 'http://127.0.0.1:7/targets',
  rules: '/etc/rules/*.yml',
};

it('puts the addresses of what runs in the place of the usual ones, and keeps everything else', () => {
  const rendered = parse(renderPrometheusConfig(committed, addresses));
  const usual = parse(committed);
  expect(rendered).toEqual({
    ...usual,
    rule_files: ['/etc/rules/*.yml'],
    scrape_configs: [
      {
        job_name: 'app',
        static_configs: [{ targets: ['127.0.0.1:5001'], labels: { environment: 'local', service: 'shop' } }],
      },
      {
        job_name: 'tasks',
        http_sd_configs: [{ url: 'http://127.0.0.1:7/targets', refresh_interval: '5s' }],
      },
      {
        job_name: 'redis',
        static_configs: [{ targets: ['127.0.0.1:9122'], labels: { environment: 'local' } }],
      },
      { job_name: 'prometheus', static_configs: [{ targets: ['127.0.0.1:9095'] }] },
    ],
  });
});

it('has no job for an exporter that is not there, which would ring for ever', () => {
  const rendered = renderPrometheusConfig(committed, { ...addresses, redisExporterPort: undefined });
  const names = parse(rendered).scrape_configs.map((job: { job_name: string }) => job.job_name);
  expect(names).toEqual(['app', 'tasks', 'prometheus']);
});

it('leaves jobs that a team adds as they are', () => {
  const more = `${committed}\n  - job_name: worker\n    static_configs:\n      - targets: ['127.0.0.1:6000']\n`;
  expect(parse(renderPrometheusConfig(more, addresses)).scrape_configs.at(-1)).toEqual({
    job_name: 'worker',
    static_configs: [{ targets: ['127.0.0.1:6000'] }],
  });
});
