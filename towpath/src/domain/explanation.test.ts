/** Evidence as AWS words it, and the cause that must be named first. */
import { describe, expect, it } from 'vitest';
import { sampleSettings } from '../../test/fakes/sample-settings.ts';
import {
  sampleDeployment,
  sampleDigest,
  sampleServiceEvent,
  sampleTarget,
  sampleTask,
  startingSnapshot,
} from '../../test/fakes/sample-snapshot.ts';
import {
  type CauseKind,
  chooseCulprit,
  type Evidence,
  explain,
  looksTroubled,
  type ServiceSettings,
} from './explanation.ts';
import type { ServiceSnapshot, TaskView } from './rollout.ts';

const DIGEST = sampleDigest('b');
const GROUP = 'arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/shop/1';
const INIT = 'ResourceInitializationError: ';

function stopped(changes: Partial<TaskView>): TaskView {
  return sampleTask(1, DIGEST, { status: 'STOPPED', ...changes });
}

interface Scene {
  readonly task?: Partial<TaskView>;
  readonly log?: readonly string[];
  readonly events?: readonly string[];
  readonly settings?: Partial<ServiceSettings> | null;
  readonly snapshot?: Partial<ServiceSnapshot>;
  readonly now?: string;
}

function evidenceOf({ task, log = [], events = [], settings = {}, snapshot = {}, now }: Scene): Evidence {
  const look = startingSnapshot(DIGEST, {
    tasks: [],
    stopped: task ? [stopped(task)] : [],
    events: events.map((message, index) =>
      sampleServiceEvent(String(index), '2026-01-01T00:01:00.000Z', `(service shop) ${message}`),
    ),
    ...snapshot,
  });
  return {
    requestedDigest: DIGEST,
    snapshot: look,
    culprit: chooseCulprit(look, DIGEST),
    log,
    settings: settings === null ? undefined : sampleSettings(settings),
    now,
  };
}

const exited = (exitCode: number, ms = 400, more: Partial<TaskView> = {}): Partial<TaskView> => ({
  stoppedReason: 'Essential container in task exited',
  exitCode,
  startedAt: '2026-01-01T00:00:00.000Z',
  stoppedAt: new Date(Date.parse('2026-01-01T00:00:00.000Z') + ms).toISOString(),
  ...more,
});
const notStarted = (stoppedReason: string): Partial<TaskView> => ({ stoppedReason, startedAt: undefined });
const ousted = (ms = 20_000): Partial<TaskView> =>
  exited(143, ms, { stoppedReason: `Task failed ELB health checks in (target-group ${GROUP})` });
const sick = (reason: string) => [
  `(port 5000) is unhealthy in (target-group ${GROUP}) due to (reason ${reason})`,
];
const refused = sick('Health checks failed');
const UP = 'listening on http://0.0.0.0:5000';

/** No rule lets anybody in. */
const CLOSED = { taskGroups: ['sg-t'], balancerGroups: ['sg-b'], ingress: [] };

const scenes: readonly [string, CauseKind, Scene][] = [
  ['a stack trace at once', 'crash-at-start', { task: exited(1), log: ['Error: no config'] }],
  ['no log at all', 'crash-at-start', { task: exited(2) }],
  ['a segmentation fault', 'crash-at-start', { task: exited(139) }],
  ['up, then out', 'exits-after-start', { task: exited(1, 900), log: [UP, 'ERROR queue lost'] }],
  ['silent for a minute, then out', 'exits-after-start', { task: exited(1, 61_000) }],
  ['a job that is done', 'exits-with-zero', { task: exited(0), log: ['done'] }],
  ['a server that ends without an error', 'exits-with-zero', { task: exited(0, 60_000), log: [UP] }],
  [
    'killed by the kernel, and AWS says so',
    'out-of-memory',
    {
      task: exited(137, 5_000, { containerReason: 'OutOfMemoryError: Container killed due to memory usage' }),
    },
  ],
  [
    'a heap that is full',
    'out-of-memory',
    {
      task: exited(134),
      log: ['FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory'],
    },
  ],
  [
    'a JVM',
    'out-of-memory',
    { task: exited(1, 30_000), log: ['java.lang.OutOfMemoryError: Java heap space'] },
  ],
  ['killed without a word', 'killed', { task: exited(137) }],
  ['the command is not there', 'command-not-found', { task: exited(127), log: ['sh: serve: not found'] }],
  [
    'the entry point is not there',
    'command-not-found',
    {
      task: notStarted(
        'CannotStartContainerError: ResourceInitializationError: failed to create new container runtime task: exec: "/app/run": stat /app/run: no such file or directory: unknown',
      ),
    },
  ],
  [
    'another port in the log',
    'wrong-port',
    { task: ousted(), events: refused, log: ['Tomcat started on port 8080 (http)'] },
  ],
  [
    'two ports, neither the right one',
    'wrong-port',
    { task: ousted(), events: refused, log: ['metrics listening on :9090', 'server listening on :8080'] },
  ],
  [
    'the metrics port beside a late right one',
    'grace-period-too-short',
    { task: ousted(), events: refused, log: ['metrics listening on :9090', UP] },
  ],
  [
    'localhost in the log',
    'listens-on-localhost',
    { task: ousted(), events: refused, log: [' * Running on http://127.0.0.1:5000'] },
  ],
  [
    'IPv6 localhost in the log',
    'listens-on-localhost',
    { task: ousted(), events: refused, log: ['listening at http://[::1]:5000'] },
  ],
  [
    '404',
    'health-path-not-found',
    { task: ousted(), events: sick('Health checks failed with these codes: [404]'), log: [UP] },
  ],
  [
    '500',
    'health-check-error',
    {
      task: ousted(),
      events: sick('Health checks failed with these codes: [500]'),
      log: [UP, 'ERROR no such table'],
    },
  ],
  [
    'a redirect',
    'health-check-error',
    { task: ousted(), events: sick('Health checks failed with these codes: [301]'), log: [UP] },
  ],
  [
    '503 while it warms up',
    'grace-period-too-short',
    {
      task: ousted(),
      events: sick('Health checks failed with these codes: [503]'),
      log: [UP, 'warming the cache'],
    },
  ],
  [
    'a slow answer',
    'health-check-too-slow',
    { task: ousted(), events: sick('Request timed out'), log: [UP] },
  ],
  [
    'a slow answer, groups unreadable',
    'health-check-too-slow',
    { task: ousted(), events: sick('Request timed out'), settings: { network: undefined } },
  ],
  [
    'no rule for the load balancer',
    'security-group-closed',
    { task: ousted(), events: sick('Request timed out'), log: [UP], settings: { network: CLOSED } },
  ],
  [
    'no rule for the load balancer, whose event does not say how its checks failed',
    'security-group-closed',
    { task: ousted(), events: refused, log: [UP], settings: { network: CLOSED } },
  ],
  [
    'a rule for another port',
    'security-group-closed',
    {
      task: ousted(),
      events: sick('Request timed out'),
      settings: {
        network: {
          ...CLOSED,
          ingress: [{ protocol: 'tcp', fromPort: 80, toPort: 80, groups: ['sg-b'], ranges: [] }],
        },
      },
    },
  ],
  ['still loading', 'grace-period-too-short', { task: ousted(), events: refused, log: ['loading: 40%'] }],
  ['up, stopped for checks of which AWS has not told yet', 'unknown', { task: ousted(), log: [UP] }],
  ['silent, stopped soon', 'grace-period-too-short', { task: ousted(), events: refused }],
  ['silent for ten minutes', 'nothing-listens', { task: ousted(600_000), events: refused }],
  [
    'an image that was never pushed',
    'image-missing',
    {
      task: notStarted(
        'CannotPullContainerError: pull image manifest has been retried 5 time(s): failed to resolve ref 1.dkr.ecr.us-east-1.amazonaws.com/shop@sha256:aa: 1.dkr.ecr.us-east-1.amazonaws.com/shop@sha256:aa: not found',
      ),
    },
  ],
  [
    'a repository that does not exist',
    'image-missing',
    {
      task: notStarted(
        'CannotPullContainerError: Error response from daemon: pull access denied for shop, repository does not exist or may require docker login',
      ),
    },
  ],
  [
    'an image list without the platform',
    'image-architecture',
    {
      task: notStarted(
        "CannotPullContainerError: pull image manifest has been retried 1 time(s): image Manifest does not contain descriptor matching platform 'linux/amd64'",
      ),
    },
  ],
  [
    'an image of one other platform',
    'image-architecture',
    { task: exited(1), log: ['exec /usr/local/bin/node: exec format error'] },
  ],
  [
    'too many pulls',
    'image-not-pullable',
    {
      task: notStarted(
        'CannotPullContainerError: inspect image has been retried 5 time(s): httpReadSeeker: failed open: unexpected status code 429 Too Many Requests - toomanyrequests',
      ),
    },
  ],
  [
    'a parameter that is not there',
    'secret-missing',
    {
      task: notStarted(
        `${INIT}unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secrets from ssm: service call has been retried 1 time(s): invalid parameters: /shop/test/app-secret`,
      ),
    },
  ],
  [
    'a Secrets Manager secret that is not there',
    'secret-missing',
    {
      task: notStarted(
        `${INIT}unable to pull secrets or registry auth: unable to retrieve secret from asm: ResourceNotFoundException: Secrets Manager can't find the specified secret.`,
      ),
    },
  ],
  [
    'a role that may not read',
    'secret-not-readable',
    {
      task: notStarted(
        `${INIT}unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secrets from ssm: service call has been retried 1 time(s): AccessDeniedException: User: arn:aws:sts::1:assumed-role/r/t is not authorized to perform: ssm:GetParameters on resource: arn:aws:ssm:us-east-1:1:parameter/shop/test/app-secret because no identity-based policy allows the ssm:GetParameters action status code: 400`,
      ),
    },
  ],
  [
    'a key that may not be used',
    'secret-not-readable',
    {
      task: notStarted(
        `${INIT}unable to retrieve secrets from ssm: AccessDeniedException: User: arn:aws:sts::1:assumed-role/r/t is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:us-east-1:1:key/k`,
      ),
    },
  ],
  [
    'a role that may not log',
    'role-lacks-permission',
    {
      task: notStarted(
        `${INIT}failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: AccessDeniedException: User: arn:aws:sts::1:assumed-role/r/t is not authorized to perform: logs:CreateLogStream on resource: arn:aws:logs:us-east-1:1:log-group:/ecs/shop`,
      ),
    },
  ],
  [
    'a role that does not exist',
    'role-not-assumable',
    {
      task: notStarted(
        "ECS was unable to assume the role 'arn:aws:iam::1:role/r' that was provided for this task.",
      ),
    },
  ],
  [
    'no log group',
    'log-group-missing',
    {
      task: notStarted(
        `${INIT}failed to validate logger args: create stream has been retried 1 times: failed to create Cloudwatch log stream: ResourceNotFoundException: The specified log group does not exist. : exit status 1`,
      ),
    },
  ],
  [
    'no way to the registry',
    'no-way-out',
    {
      task: notStarted(
        `${INIT}unable to pull secrets or registry auth: The task cannot pull registry auth from Amazon ECR: There is a connection issue between the task and Amazon ECR. Check your task network configuration. RequestError: send request failed caused by: Post "https://api.ecr.us-east-1.amazonaws.com/": dial tcp 52.46.1.1:443: i/o timeout`,
      ),
    },
  ],
  [
    'no way to the secrets',
    'no-way-out',
    {
      task: notStarted(
        `${INIT}unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secrets from ssm: service call has been retried 5 time(s): RequestCanceled: request context canceled caused by: context deadline exceeded. Please check your task network configuration.`,
      ),
    },
  ],
  [
    'no way to the layers',
    'no-way-out',
    {
      task: notStarted(
        'CannotPullContainerError: ref pull has been retried 5 time(s): failed to copy: httpReadSeeker: failed open: dial tcp 52.217.1.1:443: i/o timeout',
      ),
    },
  ],
  [
    'no capacity',
    'capacity-unavailable',
    {
      events: [
        'was unable to place a task. Reason: Capacity is unavailable at this time. Please try again later or in a different availability zone.',
      ],
    },
  ],
  [
    'a Spot task that was taken back',
    'capacity-unavailable',
    { task: { stoppedReason: 'Your Spot Task was interrupted.', exitCode: 143 } },
  ],
  [
    'no vCPUs left',
    'quota-exceeded',
    {
      events: [
        "was unable to place a task. Reason: You've reached the limit on the number of vCPUs you can run concurrently.",
      ],
    },
  ],
  [
    'percentages without room, in an event',
    'deployment-deadlocked',
    {
      events: [
        'was unable to stop or start tasks during a deployment because of the service deployment configuration. Update the minimumHealthyPercent or maximumPercent value and try again.',
      ],
    },
  ],
  [
    'percentages without room, by arithmetic',
    'deployment-deadlocked',
    {
      settings: { maximumPercent: 150 },
      snapshot: {
        deployments: [
          sampleDeployment(DIGEST, { id: 'new', rolloutState: 'IN_PROGRESS', running: 0 }),
          sampleDeployment(sampleDigest('a'), { id: 'old', status: 'ACTIVE' }),
        ],
      },
    },
  ],
  [
    'an alarm',
    'alarm',
    {
      snapshot: {
        deployments: [
          sampleDeployment(DIGEST, {
            rolloutState: 'FAILED',
            rolloutReason: 'ECS deployment alarms: alarm(s) detected.',
          }),
        ],
      },
    },
  ],
  ['nothing at all', 'unknown', {}],
];

describe('the first-named cause', () => {
  it.each(scenes)('%s: %s', (_, expected, scene) => {
    const explanation = explain(evidenceOf(scene));
    expect(explanation.kind, explanation.cause).toBe(expected);
    expect(explanation.hint).not.toBe('');
    expect(`${explanation.cause} ${explanation.hint}`).not.toMatch(/undefined|NaN|\[object/);
  });

  it.each(scenes)('%s: %s, also where the configuration can not be read', (_, expected, scene) => {
    const needsSettings = ['security-group-closed', 'wrong-port', 'listens-on-localhost'];
    const byArithmetic = expected === 'deployment-deadlocked' && scene.events === undefined;
    const explanation = explain(evidenceOf({ ...scene, settings: null }));
    expect(`${explanation.cause} ${explanation.hint}`).not.toMatch(/undefined|NaN|\[object/);
    if (!needsSettings.includes(expected) && !byArithmetic && !scene.log?.includes(UP))
      expect(explanation.kind).toBe(expected);
  });
});

it("a lock on Terraform's state comes before all else", () => {
  const stateLock = { who: 'ann@laptop', created: '2026-01-01', operation: 'OperationTypeApply', id: '7' };
  expect(explain({ ...evidenceOf({ task: exited(1) }), stateLock })).toMatchObject({
    kind: 'state-locked',
    cause: expect.stringContaining('ann@laptop since 2026-01-01'),
    hint: 'towpath unlock test',
  });
});

it('names values: the secret to set, the port in question, what the program said', () => {
  const of = (kind: CauseKind) => explain(evidenceOf(scenes.find(([, each]) => each === kind)?.[2] ?? {}));
  expect(of('secret-missing').hint).toBe('towpath secret set test app-secret');
  expect(of('wrong-port').cause).toContain('port 8080, and the load balancer connects to 5000');
  expect(of('crash-at-start').cause).toContain('exit code 1');
  expect(of('crash-at-start').cause).toContain('Error: no config');
  expect(of('out-of-memory').cause).toContain('512 MB');
});

describe('while it happens', () => {
  const running = sampleTask(0, DIGEST, { startedAt: '2026-01-01T00:00:00.000Z' });
  const unhealthy = sampleTarget(running.privateIp ?? '', {
    state: 'unhealthy',
    reason: 'Target.FailedHealthChecks',
    description: 'Health checks failed',
  });
  const scene = (log: readonly string[], now: string) =>
    explain(evidenceOf({ snapshot: { tasks: [running], targets: [unhealthy] }, log, now }));

  it('says nothing of a task that may still come up', () => {
    expect(scene(['loading'], '2026-01-01T00:00:20.000Z')).toMatchObject({ confidence: 'possible' });
    expect(scene(['loading'], '2026-01-01T00:00:31.000Z')).toMatchObject({ kind: 'grace-period-too-short' });
  });

  it('says at once what no waiting mends', () => {
    const soon = '2026-01-01T00:00:05.000Z';
    expect(scene(['listening on localhost:5000'], soon)).toMatchObject({ kind: 'listens-on-localhost' });
    expect(scene(['metrics listening on :9090'], soon)).toMatchObject({ confidence: 'possible' });
  });
});

describe('which task tells most', () => {
  const choose = (changes: Partial<ServiceSnapshot>) =>
    chooseCulprit(startingSnapshot(DIGEST, changes), DIGEST)?.id;
  const died = stopped(exited(1));
  it('one that died, not one that was scaled in, and none of another image', () => {
    const replaced = stopped({
      ...exited(0),
      id: 'x',
      stoppedReason: 'Scaling activity initiated by (deployment d)',
    });
    const other = sampleTask(7, sampleDigest('a'), { ...exited(1), status: 'STOPPED' });
    expect(choose({ stopped: [replaced, other, died] })).toBe(died.id);
    expect(choose({ stopped: [replaced, other] })).toBeUndefined();
  });

  it('not one that ended before this deployment began, though its image is the same', () => {
    const deployments = [sampleDeployment(DIGEST, { createdAt: '2026-01-01T00:02:00.000Z' })];
    expect(choose({ stopped: [died], deployments })).toBeUndefined();
    const later = { ...died, stoppedAt: '2026-01-01T00:03:00.000Z' };
    expect(choose({ stopped: [later, died], deployments })).toBe(later.id);
  });

  it('events of earlier deployments are no trouble of this one', () => {
    const snapshot = startingSnapshot(DIGEST, {
      deployments: [
        sampleDeployment(DIGEST, { createdAt: '2026-01-01T00:02:00.000Z', rolloutState: 'IN_PROGRESS' }),
      ],
      events: [
        sampleServiceEvent(
          '1',
          '2026-01-01T00:01:00.000Z',
          '(service s) was unable to place a task. Reason: x',
        ),
      ],
    });
    expect(looksTroubled(snapshot, DIGEST)).toBe(false);
    const now = { ...died, stoppedAt: '2026-01-01T00:03:00.000Z' };
    expect(looksTroubled({ ...snapshot, stopped: [now] }, DIGEST)).toBe(true);
  });
});
