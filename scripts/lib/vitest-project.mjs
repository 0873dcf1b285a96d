/** Runs one vitest project and counts its tests from vitest's JSON report, never from its prose. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runChild } from './run-child.mjs';
import { renderSeconds } from './stage.mjs';

/** vitest colours its output on CI although nobody there sees colours. */
const COLOURS = process.stdout.isTTY ? {} : { NO_COLOR: '1' };

/**
 * @param project a name in vitest.config.ts
 * @param options `timeoutMs`: limit of the whole run; `live`: show the tests as they end; `files`: these alone;
 * `env`: variables on top of the caller's
 * @returns `counts` { passed, failed, skipped }, `retried` (titles of tests that passed when tried again), `durationMs`, `output` (empty when it was shown live), `note`
 */
export async function runVitestProject(root, project, { timeoutMs, live = false, files = [], env = {} }) {
  const folder = mkdtempSync(join(tmpdir(), 'towpath-report-'));
  const report = join(folder, 'report.json');
  const retried = join(folder, 'retried.json');
  const reporters = [live ? 'verbose' : 'default', 'json', './scripts/lib/retried-tests.mjs'];
  try {
    const result = await runChild(
      process.execPath,
      [
        join('node_modules', 'vitest', 'vitest.mjs'),
        'run',
        ...files,
        `--project=${project}`,
        ...reporters.map((reporter) => `--reporter=${reporter}`),
        `--outputFile.json=${report}`,
      ],
      {
        cwd: root,
        output: live ? 'inherit' : 'capture',
        timeoutMs,
        endWithParent: true,
        env: { ...COLOURS, RETRIED_TESTS: retried, ...env },
      },
    );
    const counts = countTests(readJson(report), result.code);
    return {
      counts,
      retried: readJson(retried) ?? [],
      durationMs: result.durationMs,
      output: result.output,
      note: noteOn(counts, result, timeoutMs),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    // vitest writes none when it found no test or did not get that far; the counts say so.
    return undefined;
  }
}

/**
 * A file that could not be loaded, a run that failed outside its tests and a run without tests each count as one
 * failed test: none of them may end green.
 * @param report vitest's JSON report, or undefined
 * @param code exit code of vitest; null when a signal ended it
 */
export function countTests(report, code) {
  if (report === undefined) return { passed: 0, failed: 1, skipped: 0 };
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
  ).length;
  const passed = report.numPassedTests;
  const failed = report.numFailedTests + brokenFiles;
  const skipped = report.numPendingTests + report.numTodoTests;
  const green = code === 0 && passed > 0;
  return { passed, failed: failed === 0 && !green ? 1 : failed, skipped };
}

function noteOn(counts, result, timeoutMs) {
  if (result.timedOut) return `did not end within ${renderSeconds(timeoutMs)}`;
  return counts.passed === 0 && counts.skipped === 0 && counts.failed <= 1
    ? 'ran no test, or ended before its report'
    : undefined;
}
