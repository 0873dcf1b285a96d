import { expect, it } from 'vitest';
import { outdatedSecrets } from './outdated-secrets.ts';

const AT = (minute: number) => `2026-01-01T00:${String(minute).padStart(2, '0')}:00.000Z`;
const task = (minute: number | undefined) => ({
  createdAt: minute === undefined ? undefined : AT(minute),
});
const secret = (name: string, minute: number | undefined) => ({
  name,
  modifiedAt: minute === undefined ? undefined : AT(minute),
});

it.each([
  ['a value set after the task was created', [secret('a', 5)], [task(4)], ['a']],
  ['a value set before', [secret('a', 3)], [task(4)], []],
  ['one of several tasks being older', [secret('a', 5)], [task(9), task(4)], ['a']],
  ['only the newer of two values', [secret('a', 5), secret('b', 3)], [task(4)], ['a']],
  ['a secret without a value', [secret('a', undefined)], [task(4)], []],
  ['no task', [secret('a', 5)], [], []],
  ['a task of unknown age', [secret('a', 5)], [task(undefined)], []],
])('%s', (_what, secrets, tasks, expected) => {
  expect(outdatedSecrets(secrets, tasks)).toEqual(expected);
});
