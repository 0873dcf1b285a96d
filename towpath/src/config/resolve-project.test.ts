/** Defaults and overrides. */
import { expect, it } from 'vitest';
import { defaultZones, mergeService, resolveProject } from './resolve-project.ts';

const small = { project: 'shop', owner: 'us', environments: [{ name: 'live', cidr: '10.9.0.0/16' }] };

it("fills in the architecture's figures", () => {
  expect(resolveProject(small)).toEqual({
    name: 'shop',
    application: 'app',
    owner: 'us',
    region: 'us-east-1',
    availabilityZones: ['us-east-1a', 'us-east-1b', 'us-east-1c'],
    repository: 'shop',
    runbookUrl: undefined,
    environments: [
      {
        name: 'live',
        position: 0,
        cidr: '10.9.0.0/16',
        account: undefined,
        profile: undefined,
        promotion: { trigger: 'manual', approvals: 0, soakSeconds: 0 },
        nat: 'per-az',
        certificateArn: undefined,
        alarmEmail: undefined,
        permissionsBoundary: undefined,
        logRetentionDays: 30,
        protected: false,
        stateBucket: 'shop-terraform-state-live',
        lockTable: 'terraform-lock-live',
        service: {
          source: 'app',
          dockerfile: 'app/Dockerfile',
          context: '.',
          bundle: { command: ['npm', 'run', 'build'], files: ['dist', 'package.json'] },
          port: 5000,
          cpu: 256,
          memory: 512,
          healthCheck: {
            path: '/readyz',
            intervalSeconds: 5,
            timeoutSeconds: 2,
            healthyThreshold: 2,
            unhealthyThreshold: 2,
            graceSeconds: 30,
          },
          scaling: { min: 1, max: 10, cpuPercent: 70, memoryPercent: 80 },
          deployment: {
            minimumHealthyPercent: 100,
            maximumPercent: 200,
            deregistrationDelaySeconds: 5,
            stopTimeoutSeconds: 30,
          },
          secrets: [],
          environment: {},
          exec: true,
          spotWeight: 0,
        },
      },
    ],
  });
});

it('protects the last environment of two or more, unless told otherwise', () => {
  const [test] = small.environments;
  const ladder = [{ ...test, name: 'test', cidr: '10.8.0.0/16' }, ...small.environments];
  const flags = (environments: typeof ladder) =>
    resolveProject({ ...small, environments }).environments.map((environment) => environment.protected);
  expect(flags(ladder)).toEqual([false, true]);
  expect(flags(ladder.map((environment) => ({ ...environment, protected: false })))).toEqual([false, false]);
});

it('merges overrides: objects deeply, lists replaced, undefined ignored', () => {
  const base = {
    secrets: ['a', 'b'],
    scaling: { min: 1, max: 5 },
    environment: { A: '1', B: '1' },
    port: 80,
  };
  const override = { secrets: ['c'], scaling: { min: 3 }, environment: { B: '2' }, port: undefined };
  expect(mergeService(base, override)).toEqual({
    secrets: ['c'],
    scaling: { min: 3, max: 5 },
    environment: { A: '1', B: '2' },
    port: 80,
  });
  expect(base.scaling).toEqual({ min: 1, max: 5 });
});

it('finds the Dockerfile in the source folder', () => {
  const [environment] = resolveProject({ ...small, service: { source: 'web/' } }).environments;
  expect(environment?.service.dockerfile).toBe('web/Dockerfile');
});

it('knows regions that lack zone b or c', () => {
  expect(defaultZones('eu-west-1')).toEqual(['eu-west-1a', 'eu-west-1b', 'eu-west-1c']);
  expect(defaultZones('ca-central-1')).toEqual(['ca-central-1a', 'ca-central-1b', 'ca-central-1d']);
});
