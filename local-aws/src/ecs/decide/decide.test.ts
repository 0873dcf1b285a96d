import { describe, expect, it } from 'vitest';
import { breakerThreshold, maximumTasks, minimumHealthyTasks, throttleMs } from './capacity.ts';
import { chooseCapacityProvider } from './capacity-provider.ts';
import { type Action, type DeploymentView, decide, type ServiceView, type TaskView } from './decide.ts';
import { zonesToStartIn, zoneToRebalanceInto } from './zone-spread.ts';

const NOW = 1_000_000;
const ZONES = ['a', 'b', 'c'];

const deployment = (id: string, changes: Partial<DeploymentView> = {}): DeploymentView => ({
  id,
  primary: id === 'new',
  rolloutState: 'IN_PROGRESS',
  failedTasks: 0,
  throttledUntil: 0,
  ...changes,
});

const service = (changes: Partial<ServiceView> = {}): ServiceView => ({
  status: 'ACTIVE',
  desiredCount: 3,
  maximumPercent: 200,
  minimumHealthyPercent: 100,
  breaker: { enable: true, rollback: true },
  alarms: { triggered: false, rollback: false },
  zones: ZONES,
  rebalance: true,
  rebalancing: false,
  deployments: [deployment('new')],
  lastCompletedId: undefined,
  steady: false,
  blocked: false,
  ...changes,
});

/** `new a healthy` → a running, healthy task of deployment `new` in zone a. */
function tasks(...lines: string[]): TaskView[] {
  return lines.map((line, i) => {
    const [deploymentId = '', zone = '', state = ''] = line.split(' ');
    const phases = ['pending', 'draining', 'stopping'] as const;
    const phase = phases.find((candidate) => candidate === state) ?? 'running';
    const health = state === 'healthy' ? 'healthy' : state.startsWith('unhealthy') ? 'unhealthy' : 'unknown';
    return {
      id: `${line}#${i}`,
      deploymentId,
      zone,
      createdAt: i,
      phase,
      health,
      everHealthy: state === 'healthy' || state === 'unhealthy',
    };
  });
}

const short = (actions: readonly Action[]): string[] =>
  actions.map((action) => {
    if (action.kind === 'start') return `start ${action.deploymentId} ${action.zone}`;
    if (action.kind === 'stop') return `stop ${action.taskId.split('#')[0]} (${action.why})`;
    if (action.kind === 'fail') return `fail ${action.deploymentId} -> ${action.rollbackTo ?? 'nowhere'}`;
    return 'deploymentId' in action ? `${action.kind} ${action.deploymentId}` : action.kind;
  });

const both = [deployment('new'), deployment('old', { rolloutState: 'COMPLETED' })];
const done = [deployment('new', { rolloutState: 'COMPLETED' })];

const table: readonly (readonly [string, ServiceView, readonly TaskView[], readonly string[]])[] = [
  ['a new service starts everywhere', service(), [], ['start new a', 'start new b', 'start new c']],
  ['what starts already is counted', service(), tasks('new a pending', 'new b unknown'), ['start new c']],
  [
    'all healthy: complete and steady',
    service(),
    tasks('new a healthy', 'new b healthy', 'new c healthy'),
    ['complete new', 'steady'],
  ],
  ['nothing wanted: complete', service({ desiredCount: 0 }), [], ['complete new', 'steady']],
  [
    'settled: nothing',
    service({ deployments: done, steady: true }),
    tasks('new a healthy', 'new b healthy', 'new c healthy'),
    [],
  ],
  [
    'the old stay until their successors are healthy',
    service({ deployments: both }),
    tasks(
      'old a healthy',
      'old b healthy',
      'old c healthy',
      'new a unknown',
      'new b unknown',
      'new c pending',
    ),
    [],
  ],
  [
    'one healthy successor releases one',
    service({ deployments: both }),
    tasks(
      'old a healthy',
      'old b healthy',
      'old c healthy',
      'new a healthy',
      'new b unknown',
      'new c pending',
    ),
    ['stop old c healthy (scaling)'],
  ],
  [
    'an old task that never ran goes at once',
    service({ deployments: both }),
    tasks('old a healthy', 'old b pending', 'new a pending', 'new b pending', 'new c pending'),
    ['stop old b pending (scaling)'],
  ],
  [
    'no room: minimum 50 % lets two old ones go first',
    service({ deployments: both, desiredCount: 4, maximumPercent: 100, minimumHealthyPercent: 50 }),
    tasks('old a healthy', 'old b healthy', 'old c healthy', 'old a healthy'),
    ['stop old a healthy (scaling)', 'stop old c healthy (scaling)'],
  ],
  [
    '[rolling.deadlock-is-said] floor(max) = ceil(min): nothing can move, and it is said',
    service({ deployments: both, desiredCount: 1, maximumPercent: 150 }),
    tasks('old a healthy'),
    ['blocked'],
  ],
  [
    'the old deployment retires with its last task',
    service({ deployments: both }),
    tasks('old a stopping', 'new a healthy', 'new b healthy', 'new c healthy'),
    ['retire old', 'complete new', 'steady'],
  ],
  [
    'draining old tasks hold completion back',
    service({ deployments: both }),
    tasks('old a draining', 'new a healthy', 'new b healthy', 'new c healthy'),
    [],
  ],
  [
    '[breaker.rollback-to-last-completed] breaker: rollback to the last completed one',
    service({
      deployments: [deployment('new', { failedTasks: 3 }), deployment('old')],
      lastCompletedId: 'old',
    }),
    tasks('old a healthy'),
    ['fail new -> old'],
  ],
  [
    'breaker: below the threshold it goes on',
    service({ deployments: [deployment('new', { failedTasks: 2 })] }),
    tasks('new a pending', 'new b pending', 'new c pending'),
    [],
  ],
  [
    '[breaker.stalls-without-completed] breaker: nowhere to go back to',
    service({ deployments: [deployment('new', { failedTasks: 3 })] }),
    [],
    ['fail new -> nowhere'],
  ],
  [
    'breaker: a rollback that fails itself has no further target',
    service({ deployments: [deployment('new', { failedTasks: 3 })], lastCompletedId: 'new' }),
    [],
    ['fail new -> nowhere'],
  ],
  [
    'breaker without rollback',
    service({
      breaker: { enable: true, rollback: false },
      deployments: [deployment('new', { failedTasks: 9 })],
      lastCompletedId: 'old',
    }),
    [],
    ['fail new -> nowhere'],
  ],
  [
    'without the breaker failures only throttle',
    service({
      breaker: { enable: false, rollback: false },
      deployments: [deployment('new', { failedTasks: 99, throttledUntil: NOW + 1 })],
    }),
    [],
    [],
  ],
  [
    'the throttle ends',
    service({
      desiredCount: 1,
      breaker: { enable: false, rollback: false },
      deployments: [deployment('new', { throttledUntil: NOW })],
    }),
    [],
    ['start new a'],
  ],
  [
    'alarms end a deployment',
    service({
      alarms: { triggered: true, rollback: true },
      deployments: both,
      lastCompletedId: 'old',
    }),
    [],
    ['fail new -> old'],
  ],
  [
    'FAILED without rollback stalls: nothing starts, the old serve on',
    service({ deployments: [deployment('new', { rolloutState: 'FAILED' }), deployment('old')] }),
    tasks('old a healthy', 'old b healthy'),
    [],
  ],
  [
    '[rolling.unhealthy-replaced-first] unhealthy after having been healthy: replacement first',
    service({ deployments: done }),
    tasks('new a unhealthy', 'new b healthy', 'new c healthy'),
    ['start new a'],
  ],
  [
    'unhealthy and replaced: stop',
    service({ deployments: done }),
    tasks('new a unhealthy', 'new b healthy', 'new c healthy', 'new a healthy'),
    ['stop new a unhealthy (unhealthy)'],
  ],
  [
    '[rolling.unhealthy-one-by-one] unhealthy without room for a replacement: one at a time',
    service({ deployments: done, maximumPercent: 100, minimumHealthyPercent: 0 }),
    tasks('new a unhealthy', 'new b unhealthy', 'new c healthy'),
    ['stop new a unhealthy (unhealthy)'],
  ],
  [
    'never healthy and failing: stop at once, start another',
    service({ desiredCount: 1 }),
    tasks('new a unhealthy-never'),
    ['stop new a unhealthy-never (unhealthy)', 'start new a'],
  ],
  [
    '[spread.stop-in-fullest] scale in where the most are',
    service({ deployments: done, desiredCount: 2 }),
    tasks('new a healthy', 'new b healthy', 'new b healthy'),
    ['stop new b healthy (scaling)'],
  ],
  [
    '[spread.starts-before-stops] two too many in one zone: rebalance by starting first',
    service({ deployments: done, steady: true }),
    tasks('new a healthy', 'new a healthy', 'new b healthy'),
    ['rebalancing', 'start new c'],
  ],
  [
    'the newcomer of a rebalancing is waited for',
    service({ deployments: done }),
    tasks('new a healthy', 'new a healthy', 'new b healthy', 'new c pending'),
    [],
  ],
  [
    'and then the fullest zone loses one',
    service({ deployments: done }),
    tasks('new a healthy', 'new a healthy', 'new b healthy', 'new c healthy'),
    ['stop new a healthy (scaling)'],
  ],
  [
    'and says so when it is rebalancing',
    service({ deployments: done, rebalancing: true }),
    tasks('new a healthy', 'new a healthy', 'new b healthy', 'new c healthy'),
    ['stop new a healthy (rebalancing)'],
  ],
  [
    'balanced again: said once',
    service({ deployments: done, steady: true, rebalancing: true }),
    tasks('new a healthy', 'new b healthy', 'new c healthy'),
    ['rebalanced'],
  ],
  [
    'no rebalancing when it is off',
    service({ deployments: done, steady: true, rebalance: false }),
    tasks('new a healthy', 'new a healthy', 'new b healthy'),
    [],
  ],
  [
    'draining service: everything goes',
    service({ status: 'DRAINING', desiredCount: 0 }),
    tasks('new a healthy', 'new b pending', 'new c draining'),
    ['stop new a healthy (scaling)', 'stop new b pending (scaling)'],
  ],
  [
    'draining service without tasks',
    service({ status: 'DRAINING', deployments: both }),
    [],
    ['retire old', 'inactive'],
  ],
  ['no subnets known yet: nothing starts', service({ zones: [] }), [], []],
];

describe('decide', () => {
  it.each(table)('%s', (_name, view, views, expected) => {
    expect(short(decide(view, views, NOW))).toEqual(expected);
  });
});

describe('the arithmetic of AWS', () => {
  it.each([
    [1, 200, 2],
    [1, 150, 1],
    [3, 150, 4],
    [10, 125, 12],
    [0, 200, 0],
  ])('[rolling.maximum-rounds-down] maximum of %i at %i %% is %i', (desired, percent, expected) => {
    expect(maximumTasks(desired, percent)).toBe(expected);
  });
  it.each([
    [1, 50, 1],
    [3, 50, 2],
    [10, 33, 4],
    [3, 0, 0],
  ])('[rolling.minimum-rounds-up] minimum of %i at %i %% is %i', (desired, percent, expected) => {
    expect(minimumHealthyTasks(desired, percent)).toBe(expected);
  });
  it.each([
    [0, 3],
    [1, 3],
    [6, 3],
    [7, 4],
    [25, 13],
    [400, 200],
    [1_000, 200],
  ])('[breaker.threshold] breaker threshold of %i is %i', (desired, expected) => {
    expect(breakerThreshold(desired)).toBe(expected);
  });
  it('throttles from the fourth failure, doubling to 27 minutes', () => {
    expect([3, 4, 5, 6, 50].map(throttleMs)).toEqual([0, 10_000, 20_000, 40_000, 1_620_000]);
  });
});

describe('zones and capacity providers', () => {
  it('[spread.place-in-emptiest] fills the emptiest zones', () => {
    expect(zonesToStartIn(ZONES, ['a', 'a', 'b'], 4)).toEqual(['c', 'b', 'c', 'a']);
    expect(zonesToStartIn([], ['a'], 2)).toEqual([]);
  });
  it('rebalances only what is uneven by more than one', () => {
    expect(zoneToRebalanceInto(ZONES, ['a', 'b'])).toBeUndefined();
    expect(zoneToRebalanceInto(ZONES, ['a', 'a', 'b'])).toBe('c');
    expect(zoneToRebalanceInto(['a'], ['a', 'a'])).toBeUndefined();
  });
  it('keeps base first, then weights', () => {
    const strategy = [
      { capacityProvider: 'FARGATE', weight: 1, base: 1 },
      { capacityProvider: 'FARGATE_SPOT', weight: 3, base: 0 },
    ];
    const chosen: (string | undefined)[] = [];
    for (let i = 0; i < 5; i++) chosen.push(chooseCapacityProvider(strategy, chosen));
    expect(chosen).toEqual(['FARGATE', 'FARGATE', 'FARGATE_SPOT', 'FARGATE_SPOT', 'FARGATE_SPOT']);
    expect(chooseCapacityProvider([], [])).toBeUndefined();
  });
});
