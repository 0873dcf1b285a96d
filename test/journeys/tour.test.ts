/** `npm run tour` is a promise to whoever runs it: it checks everything it shows, and ends with 1 when it is not so. */
import { expect, it } from 'vitest';
import { cleanEnvironment, ROOT } from '../support/run-cli.ts';
import { runCommand } from '../support/run-command.ts';

const LIMIT_MS = 900_000;

it(
  'the tour takes a release through four environments and back',
  async () => {
    const tour = await runCommand(process.execPath, ['test/tour/run.mjs'], {
      cwd: ROOT,
      env: { ...cleanEnvironment(), NO_COLOR: '1' },
      timeoutMs: LIMIT_MS,
    });
    expect(tour.exitCode, tour.stdout + tour.stderr).toBe(0);
    expect(tour.stdout).toContain('The tour took');
  },
  LIMIT_MS,
);
