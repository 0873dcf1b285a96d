/** Prints what is being done and how long it took: one line for each stage, on standard error. */

/** Runs `work` and prints its label with the time it took. */
export async function stage(label, work) {
  const startedAt = performance.now();
  process.stderr.write(`${label} ...`);
  try {
    const result = await work();
    process.stderr.write(` ${renderSeconds(performance.now() - startedAt)}\n`);
    return result;
  } catch (error) {
    process.stderr.write(` failed after ${renderSeconds(performance.now() - startedAt)}\n`);
    throw error;
  }
}

/** @param durationMs milliseconds */
export function renderSeconds(durationMs) {
  return `${(durationMs / 1000).toFixed(1)} s`;
}
