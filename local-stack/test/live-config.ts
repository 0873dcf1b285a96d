/**
 * The committed configuration of Prometheus and its rules, changed for a test in what may differ alone: addresses, how
 * often it scrapes, and how long an alert must last. Each replacement must find its place, or the test would run something else.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { STACK_DIR } from './dashboard-queries.ts';

export interface LiveAddresses {
  readonly app: string;
  readonly redisExporter: string;
  readonly prometheus: string;
  /** Where the tasks are listed, as the embedded AWS does. */
  readonly tasksUrl: string;
}

const SCRAPE_INTERVAL = '1s';
/** So that an alert is seen to wait, and does not keep the test waiting. */
const ALERT_WAIT = '1s';

/** @returns the path of the configuration */
export async function writeLiveConfig(dir: string, addresses: LiveAddresses): Promise<string> {
  const committed = await readFile(join(STACK_DIR, 'prometheus', 'prometheus.yml'), 'utf8');
  const config = [
    [/(scrape|evaluation)_interval: \d+s/g, `$1_interval: ${SCRAPE_INTERVAL}`],
    [/scrape_timeout: \d+s/g, `scrape_timeout: ${SCRAPE_INTERVAL}`],
    [/refresh_interval: \d+s/g, `refresh_interval: ${SCRAPE_INTERVAL}`],
    [/'127\.0\.0\.1:5000'/g, `'${addresses.app}'`],
    [/'127\.0\.0\.1:9121'/g, `'${addresses.redisExporter}'`],
    [/'127\.0\.0\.1:9090'/g, `'${addresses.prometheus}'`],
    [/http:\/\/127\.0\.0\.1:\d+\/_local\/scrape-targets/g, addresses.tasksUrl],
  ].reduce(
    (text, [pattern, replacement]) => replaceAll(text, pattern as RegExp, replacement as string),
    committed,
  );
  await mkdir(join(dir, 'rules'));
  for (const file of await readdir(join(STACK_DIR, 'prometheus', 'rules'))) {
    const rules = await readFile(join(STACK_DIR, 'prometheus', 'rules', file), 'utf8');
    await writeFile(join(dir, 'rules', file), rules.replaceAll(/^( +for): .+$/gm, `$1: ${ALERT_WAIT}`));
  }
  const path = join(dir, 'prometheus.yml');
  await writeFile(path, config);
  return path;
}

function replaceAll(text: string, pattern: RegExp, replacement: string): string {
  if (text.search(pattern) === -1) throw new Error(`nothing in prometheus.yml looks like ${pattern}`);
  return text.replaceAll(pattern, replacement);
}
