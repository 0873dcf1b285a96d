/** When a rollout is over, and how. */
import { describe, expect, it } from 'vitest';
import {
  type DeploymentView,
  judgeRollout,
  type ServiceSnapshot,
  type TargetView,
  type TaskView,
  tasksByZone,
} from './rollout.ts';

const wanted = `sha256:${'a'.repeat(64)}`;
const old = `sha256:${'b'.repeat(64)}`;

function task(changes: Partial<TaskView> = {}): TaskView {
  return {
    id: 'task',
    zone: 'us-east-1a',
    status: 'RUNNING',
    taskDefinition: 'family:2',
    imageDigest: wanted,
    startedAt: undefined,
    stoppedReason: undefined,
    exitCode: undefined,
    containerReason: undefined,
    privateIp: undefined,
    ...changes,
  };
}

function deployment(changes: Partial<DeploymentView> = {}): DeploymentView {
  return {
    id: 'ecs-svc/2',
    status: 'PRIMARY',
    rolloutState: 'COMPLETED',
    rolloutReason: undefined,
    taskDefinition: 'family:2',
    desired: 2,
    running: 2,
    pending: 0,
    failed: 0,
    ...changes,
  };
}

const target = (state: string): TargetView => ({
  id: '10.3.101.4',
  port: 5000,
  state,
  reason: undefined,
  description: undefined,
});

/** Two tasks of the wanted image, healthy and at rest. */
function snapshot(changes: Partial<ServiceSnapshot> = {}): ServiceSnapshot {
  return {
    status: 'ACTIVE',
    desired: 2,
    running: 2,
    pending: 0,
    taskDefinition: 'family:2',
    deployments: [deployment()],
    events: [],
    tasks: [task(), task()],
    stopped: [],
    targets: [target('healthy'), target('healthy')],
    url: undefined,
    ...changes,
  };
}

describe('judgeRollout', () => {
  const inProgress = deployment({ rolloutState: 'IN_PROGRESS' });
  const previous = deployment({ id: 'ecs-svc/1', status: 'ACTIVE', taskDefinition: 'family:1' });

  it('knows a rollback to another configuration of the same image', () => {
    expect(judgeRollout(snapshot(), wanted, undefined, 'family:2').state).toBe('complete');
    expect(judgeRollout(snapshot(), wanted, undefined, 'family:3')).toEqual({
      state: 'failed',
      by: 'other task definition',
      reason: 'the service went back to family:2 instead of family:3',
    });
  });

  it.each<[string, Partial<ServiceSnapshot>, 'complete' | 'progressing' | 'failed']>([
    ['at rest', {}, 'complete'],
    ['while the old deployment drains', { deployments: [deployment(), previous] }, 'progressing'],
    ['before ECS calls it completed', { deployments: [inProgress] }, 'progressing'],
    ['without a deployment', { deployments: [] }, 'progressing'],
    ['with a task too few', { tasks: [task()] }, 'progressing'],
    ['with a task that starts', { tasks: [task(), task({ status: 'PENDING' })] }, 'progressing'],
    ['with a pending count', { pending: 1 }, 'progressing'],
    [
      'with a target that is not healthy yet',
      { targets: [target('healthy'), target('initial')] },
      'progressing',
    ],
    [
      'with an old target that drains',
      { targets: [target('healthy'), target('healthy'), target('draining')] },
      'complete',
    ],
    [
      'with a stopping task of the old image',
      { tasks: [task(), task(), task({ status: 'DEPROVISIONING', imageDigest: old })] },
      'complete',
    ],
    ['scaled to nothing', { desired: 0, tasks: [], targets: [] }, 'progressing'],
    [
      'when the circuit breaker opened',
      { deployments: [deployment({ rolloutState: 'FAILED' }), previous] },
      'failed',
    ],
    ['when ECS rolled back', { tasks: [task({ imageDigest: old }), task({ imageDigest: old })] }, 'failed'],
    ['when one task runs something else', { tasks: [task(), task({ imageDigest: old })] }, 'failed'],
    ['when a digest is unknown', { tasks: [task(), task({ imageDigest: undefined })] }, 'failed'],
    [
      'during a rollback that is not over',
      { deployments: [inProgress, previous], tasks: [task({ imageDigest: old })] },
      'progressing',
    ],
  ])('%s', (_, changes, state) => {
    expect(judgeRollout(snapshot(changes), wanted).state).toBe(state);
  });

  it('does not take a deployment that was given up before for the one that was asked for', () => {
    const givenUp = deployment({ rolloutState: 'FAILED' });
    const earlier = new Set([givenUp.id]);
    expect(judgeRollout(snapshot({ deployments: [givenUp] }), wanted, earlier).state).toBe('progressing');
    const next = deployment({ id: 'ecs-svc/9', rolloutState: 'FAILED' });
    expect(judgeRollout(snapshot({ deployments: [next, givenUp] }), wanted, earlier).state).toBe('failed');
  });

  it("gives ECS's reason, or the digests that differ", () => {
    const reason = 'ECS deployment circuit breaker: tasks failed to start.';
    const broken = deployment({ rolloutState: 'FAILED', rolloutReason: reason });
    expect(judgeRollout(snapshot({ deployments: [broken] }), wanted)).toEqual({
      state: 'failed',
      by: 'deployment',
      reason,
    });
    const mixed = snapshot({ tasks: [task(), task({ imageDigest: old })] });
    expect(judgeRollout(mixed, wanted)).toEqual({
      state: 'failed',
      by: 'other image',
      reason: `1 of 2 running tasks run ${old} instead of ${wanted}`,
    });
  });
});

it('groups tasks by zone, zones and tasks in order', () => {
  const zones = tasksByZone([
    task({ id: 'c', zone: 'us-east-1b' }),
    task({ id: 'b', zone: 'us-east-1a' }),
    task({ id: 'a', zone: 'us-east-1b' }),
  ]);
  expect([...zones].map(([zone, tasks]) => [zone, tasks.map(({ id }) => id)])).toEqual([
    ['us-east-1a', ['b']],
    ['us-east-1b', ['a', 'c']],
  ]);
  expect(tasksByZone([]).size).toBe(0);
});
