import { describe, expect, it } from 'vitest';
import { decideExecTask, type ExecTask } from './exec-task.ts';

const task = (id: string, changes: Partial<ExecTask> = {}): ExecTask => ({
  id,
  zone: 'us-east-1a',
  status: 'RUNNING',
  startedAt: '2026-01-01T00:00:00.000Z',
  enabled: true,
  ready: true,
  ...changes,
});
const later = { startedAt: '2026-01-02T00:00:00.000Z' };
const refusal = (tasks: readonly ExecTask[], wanted?: string) => {
  try {
    return decideExecTask('test', tasks, wanted).id;
  } catch (error) {
    return error;
  }
};

describe('the task of a command', () => {
  it.each([
    ['the one started last', [task('a'), task('b', later), task('c')], 'b'],
    ['one whose agent answers', [task('a'), task('b', { ...later, ready: false })], 'a'],
    ['one whose agent may answer soon', [task('a', { ready: false })], 'a'],
    ['one that runs', [task('a'), task('b', { ...later, status: 'PENDING' })], 'a'],
    ['one that ECS Exec is on for', [task('a', { enabled: false, ...later }), task('b')], 'b'],
  ])('is %s', (_which, tasks, id) => {
    expect(decideExecTask('test', tasks, undefined).id).toBe(id);
  });

  it('is the one whose id begins as was asked', () => {
    const tasks = [task('abc1'), task('abd2', later)];
    expect(decideExecTask('test', tasks, 'abc').id).toBe('abc1');
    expect(refusal(tasks, 'ab')).toMatchObject({ code: 'UNKNOWN_TASK', hint: 'one of: abc1, abd2' });
    expect(refusal(tasks, 'x')).toMatchObject({
      code: 'UNKNOWN_TASK',
      message: 'No running task of test begins with "x".',
    });
  });

  it('is none where none runs', () => {
    expect(refusal([])).toMatchObject({ code: 'NO_RUNNING_TASK', message: 'No task of test is running.' });
    expect(refusal([task('a', { status: 'PENDING' })])).toMatchObject({
      code: 'NO_RUNNING_TASK',
      message: 'No task of test is running (1 PENDING).',
    });
  });

  it('is none where ECS Exec was off at the start', () => {
    expect(refusal([task('a', { enabled: false })])).toMatchObject({
      code: 'EXEC_DISABLED',
      hint: expect.stringContaining('service.exec'),
    });
    expect(refusal([task('a', { enabled: false }), task('b')], 'a')).toMatchObject({ code: 'EXEC_DISABLED' });
  });
});
