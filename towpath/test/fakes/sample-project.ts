/** A project of two environments for tests, with the architecture's figures. */
import type { Environment, Project, ServiceConfig } from '../../src/domain/project.ts';

export const sampleService: ServiceConfig = {
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
    deregistrationDelaySeconds: 10,
    stopTimeoutSeconds: 30,
  },
  secrets: ['app-secret'],
  environment: {},
  exec: true,
  dev: undefined,
  spotWeight: 0,
};

/** @param suffix makes the names of bucket and table its own, for tests that share one account */
export function sampleEnvironment(name: string, position: number, suffix = ''): Environment {
  return {
    name,
    position,
    cidr: `10.${position}.0.0/16`,
    account: undefined,
    profile: undefined,
    promotion: { trigger: 'manual', approvals: position === 0 ? 0 : 1, soakSeconds: 0 },
    nat: 'single',
    certificateArn: undefined,
    alarmEmail: undefined,
    permissionsBoundary: undefined,
    logRetentionDays: 30,
    protected: false,
    stateBucket: `shop-terraform-state-${name}${suffix}`,
    lockTable: `terraform-lock-${name}${suffix}`,
    service: sampleService,
  };
}

export function sampleProject(environments: readonly Environment[], name = 'shop'): Project {
  return {
    name,
    application: 'web',
    owner: 'shop-team',
    region: 'us-east-1',
    availabilityZones: ['us-east-1a', 'us-east-1b', 'us-east-1c'],
    repository: name,
    runbookUrl: undefined,
    environments,
  };
}
