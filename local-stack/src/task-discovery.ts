/**
 * What Prometheus is to scrape of the embedded AWS, whenever that comes and goes and at whatever port: its own answer,
 * or nothing while it does not run. Asked directly, Prometheus would keep the last tasks of one that has ended.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const ANSWER_LIMIT_MS = 3_000;

export interface TargetGroup {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

/** @param localAwsDir holds `local.json` while the embedded AWS runs. @returns undefined while it does not */
export async function discoverTasks(localAwsDir: string): Promise<readonly TargetGroup[] | undefined> {
  try {
    const { endpoint } = JSON.parse(await readFile(join(localAwsDir, 'local.json'), 'utf8')) as {
      readonly endpoint: string;
    };
    const response = await fetch(`${endpoint}/_local/scrape-targets`, {
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    });
    return response.ok ? ((await response.json()) as TargetGroup[]) : undefined;
  } catch {
    // No file, a file of one that was killed, or one that is just ending.
    return undefined;
  }
}
