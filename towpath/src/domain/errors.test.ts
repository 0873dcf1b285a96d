/** The error class carries what a person needs. */
import { expect, it } from 'vitest';
import { ERROR_CATALOGUE, EXIT, TowpathError } from './errors.ts';

it('knows its exit code, hint, problems, context and cause', () => {
  const cause = new Error('inner');
  const problems = [{ path: 'a', message: 'b' }];
  const error = new TowpathError('CONFIG_INVALID', 'bad', { hint: 'do', cause, problems, context: ['line'] });
  expect(error).toMatchObject({
    name: 'TowpathError',
    message: 'bad',
    exitCode: 2,
    hint: 'do',
    cause,
    problems,
    context: ['line'],
  });
});

it('has empty details by default, and no cause at all', () => {
  const error = new TowpathError('ABORTED', 'stopped');
  expect(error).toMatchObject({ exitCode: 1, hint: undefined, problems: [], context: [] });
  expect(Object.hasOwn(error, 'cause')).toBe(false);
});

it('leads to documented exit codes only, never to that of a bug', () => {
  const known: readonly number[] = [EXIT.failed, EXIT.usage, EXIT.waiting];
  expect(Object.entries(ERROR_CATALOGUE).filter(([, exit]) => !known.includes(exit))).toEqual([]);
});
