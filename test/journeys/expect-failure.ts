/** What every failure of the command line owes its reader: a sentence, the next command, no stack trace; and as JSON. */
import { expect } from 'vitest';
import type { CommandResult } from '../support/run-command.ts';
import { lastJson } from './environment.ts';

export interface ExpectedFailure {
  readonly exitCode: number;
  readonly code: string;
  /** Found in what a person reads and in the JSON alike. */
  readonly says: readonly (string | RegExp)[];
  /** The next command or step. */
  readonly hint: string | RegExp;
}

const STACK_TRACE = /^\s+at .*[:(]/m;

/** @param run runs the same bad command, with more arguments */
export async function expectFailure(
  run: (more: readonly string[]) => Promise<CommandResult>,
  expected: ExpectedFailure,
): Promise<void> {
  const forPeople = await run([]);
  expect(forPeople, forPeople.stdout + forPeople.stderr).toMatchObject({
    exitCode: expected.exitCode,
    timedOut: false,
  });
  for (const text of expected.says) expect(forPeople.stderr).toMatch(text);
  expect(forPeople.stderr.slice(forPeople.stderr.indexOf('next:'))).toMatch(expected.hint);
  expect(forPeople.stderr).toContain('next:');
  expect(forPeople.stdout + forPeople.stderr).not.toMatch(STACK_TRACE);

  // The second run meets whatever the first left behind, and must say the same.
  const forMachines = await run(['--json']);
  const error = lastJson(forMachines);
  expect(forMachines.exitCode, forMachines.stdout).toBe(expected.exitCode);
  expect(error).toMatchObject({ type: 'error', code: expected.code, exitCode: expected.exitCode });
  expect(error).not.toHaveProperty('stack');
  const text = [error.message, ...problemsOf(error)].join('\n');
  for (const each of expected.says) expect(text).toMatch(each);
  expect(error.hint).toMatch(expected.hint);
}

function problemsOf(error: Record<string, unknown>): readonly string[] {
  const problems = (error.problems ?? []) as readonly { readonly path: string; readonly message: string }[];
  return problems.map(({ path, message }) => `${path}: ${message}`);
}
