/**
 * `npm run check`, `npm test` and `npm run sweep`: types, lint and the projects of vitest.config.ts, two at a time where
 * that helps. One line for each step with its result and time; the output of a step is shown when it failed.
 */
import { join } from 'node:path';
import { runChild, stopSignal } from './run-child.mjs';
import { exitCodeOf, SetupError } from './setup-error.mjs';
import { renderSeconds } from './stage.mjs';
import { runVitestProject } from './vitest-project.mjs';

/** The reference machine has two cores. */
const STEPS_AT_ONCE = 2;
/** Of a whole suite, from its start: CI ends a run after 40 minutes, and what is installed before takes its time too. */
const SUITE_LIMIT_MS = 38 * 60_000;
const SWEEP_LIMIT_MS = 60 * 60_000;
/** Journeys with many alike cases, of which `npm test` tries some (test/support/sample.ts). */
const SWEPT = ['crash-safety', 'false-success', 'npm-start'].map((name) => `test/journeys/${name}.test.ts`);

/** `run(root, timeoutMs)`; `alone`: with real servers and clocks, a neighbour would cost it its deadlines. */
const STEPS = {
  infra: { run: vitestProject('infra') },
  types: { run: tool(['typescript', 'bin', 'tsc'], ['-p', 'tsconfig.json']) },
  lint: {
    run: tool(
      ['@biomejs', 'biome', 'bin', 'biome'],
      ['check', '--error-on-warnings', '--max-diagnostics=50', '.'],
    ),
  },
  unit: { run: vitestProject('unit') },
  rules: { run: vitestProject('rules') },
  wire: { alone: true, run: vitestProject('wire') },
  journeys: { alone: true, run: vitestProject('journeys', { live: true }) },
  sweep: {
    alone: true,
    run: vitestProject('journeys', { live: true, files: SWEPT, env: { SWEEP: 'all' } }),
  },
};

const SUITES = {
  check: ['infra', 'types', 'unit', 'lint', 'rules'],
  test: ['infra', 'types', 'unit', 'lint', 'rules', 'wire', 'journeys'],
  sweep: ['sweep'],
};

function vitestProject(project, options = {}) {
  return (root, timeoutMs) => runVitestProject(root, project, { ...options, timeoutMs });
}

function tool(path, args) {
  return (root, timeoutMs) => runTool(root, path, args, timeoutMs);
}

/**
 * @param suite `check`, `test` or `sweep`
 * @param chosen names of steps; all of the suite when empty
 * @returns the exit code
 */
export async function runSuite(suite, chosen, root) {
  const names = chooseSteps(SUITES[suite], chosen);
  const startedAt = performance.now();
  const limitMs = suite === 'sweep' ? SWEEP_LIMIT_MS : SUITE_LIMIT_MS;
  const outcomes = [];
  const runOne = async (name) => {
    if (stopSignal() !== undefined) return;
    const leftMs = Math.max(0, Math.round(limitMs - (performance.now() - startedAt)));
    const outcome = { name, ...(await STEPS[name].run(root, leftMs)) };
    outcomes.push(outcome);
    console.log(renderOutcome(outcome));
  };
  await runTogether(
    names.filter((name) => !STEPS[name].alone),
    STEPS_AT_ONCE,
    runOne,
  );
  await runTogether(
    names.filter((name) => STEPS[name].alone),
    1,
    runOne,
  );
  const signal = stopSignal();
  if (signal !== undefined) {
    console.log(`Stopped by ${signal}.`);
    return exitCodeOf({ code: null, signal });
  }
  const total = sumCounts(outcomes);
  console.log(`${suite} took ${renderSeconds(performance.now() - startedAt)}`);
  console.log(renderTotal(total));
  return total.failed > 0 ? 1 : 0;
}

function chooseSteps(all, chosen) {
  const unknown = chosen.filter((name) => !all.includes(name));
  if (unknown.length > 0) {
    throw new SetupError(`No such step: ${unknown.join(', ')}. There are: ${all.join(', ')}`, 2);
  }
  return chosen.length === 0 ? all : all.filter((name) => chosen.includes(name));
}

async function runTogether(names, atOnce, runOne) {
  const waiting = [...names];
  const worker = async () => {
    for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) await runOne(name);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, names.length) }, worker));
}

/** A tool that passes or fails as a whole: it counts as one test. */
async function runTool(root, path, args, timeoutMs) {
  const result = await runChild(process.execPath, [join('node_modules', ...path), ...args], {
    cwd: root,
    output: 'capture',
    timeoutMs,
  });
  const passed = result.code === 0;
  return {
    counts: { passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 },
    durationMs: result.durationMs,
    output: result.output,
    note: result.timedOut ? `did not end within ${renderSeconds(timeoutMs)}` : undefined,
  };
}

/** @returns the sum of the steps' counts */
export function sumCounts(outcomes) {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const { counts } of outcomes) {
    for (const key of Object.keys(total)) total[key] += counts[key];
  }
  return total;
}

/** The closing line; skipped tests are named only where there are some. */
export function renderTotal({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}

function renderOutcome({ name, counts, retried = [], durationMs, output, note }) {
  const failed = counts.failed > 0;
  const skipped = counts.skipped > 0 ? `  ${counts.skipped} skipped` : '';
  const line = `${failed ? 'FAIL' : 'ok  '}  ${name.padEnd(9)}${String(counts.passed).padStart(5)} ok${failed ? `  ${counts.failed} failed` : ''}${skipped}  ${renderSeconds(durationMs)}`;
  const details = failed && output.trim() !== '' ? `\n${output.trimEnd()}` : '';
  const again = retried.map((title) => `\n      passed when tried again: ${title}`).join('');
  return `${line}${note === undefined ? '' : `  (${note})`}${again}${details}`;
}
