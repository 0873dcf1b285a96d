/**
 * The projects of the test suite. Which file belongs to which is told by folder and name alone:
 * `*.wire.test.ts` starts servers or processes, every other test is pure and takes milliseconds.
 */
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const WORKSPACES = '{app,towpath,local-aws,local-stack,session-protocol}';
const NEVER = ['**/node_modules/**', '**/dist/**', '**/.towpath/**'];

/** The reference machine has two cores; more workers only make time-outs likelier. */
const MAX_WORKERS = 2;
/** What waits as much as it computes: for clocks, for delays that the AWS provider has compiled in. */
const WAITING = { maxWorkers: 3, sequence: { groupOrder: 1 } };

/**
 * Sockets and processes on a machine that is busy with other things miss a deadline now and then. A second failure is
 * one; a first alone is named below the line of its step. Journeys have no retry: their steps build on each other.
 */
const RETRIES = 1;

/** Files that take minutes: one that begins last is waited for alone, while the other workers have nothing to do. */
const LONGEST = ['tour', 'crash-safety', 'test-environment', 'npm-start', 'false-success', 'ledger-faults'];

/** As vitest has it, but for the longest, which come first: without a cache of durations it goes by the size of files. */
class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const index = LONGEST.findIndex((name) => moduleId.includes(`/${name}.`));
      return index === -1 ? LONGEST.length : index;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    maxWorkers: MAX_WORKERS,
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: 'unit',
          retry: RETRIES,
          include: [`${WORKSPACES}/**/*.test.ts`, 'test/support/**/*.test.ts', 'scripts/**/*.test.mjs'],
          exclude: [...NEVER, '**/*.wire.test.{ts,mjs}'],
          testTimeout: 10_000,
        },
      },
      {
        test: {
          name: 'wire',
          ...WAITING,
          retry: RETRIES,
          include: [
            `${WORKSPACES}/**/*.wire.test.ts`,
            'test/support/**/*.wire.test.ts',
            'scripts/**/*.wire.test.mjs',
          ],
          exclude: NEVER,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: { name: 'rules', include: ['test/rules/**/*.test.ts'], exclude: NEVER, testTimeout: 30_000 },
      },
      {
        test: {
          name: 'infra',
          include: ['test/infra/**/*.test.ts'],
          exclude: NEVER,
          testTimeout: 180_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'journeys',
          ...WAITING,
          include: ['test/journeys/**/*.test.ts'],
          exclude: NEVER,
          testTimeout: 600_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
