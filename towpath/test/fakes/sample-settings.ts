/** Settings of a service for tests: the architecture's figures, an open security group. */
import type { ServiceSettings } from '../../src/domain/explanation.ts';

export function sampleSettings(changes: Partial<ServiceSettings> = {}): ServiceSettings {
  return {
    environment: 'test',
    container: {
      image: '123456789012.dkr.ecr.us-east-1.amazonaws.com/shop@sha256:aa',
      port: 5000,
      architecture: 'X86_64',
      memoryMb: 512,
      logGroup: '/ecs/shop-test',
    },
    executionRole: 'shop-test-ecs-execution-role',
    graceSeconds: 30,
    minimumHealthyPercent: 100,
    maximumPercent: 200,
    capacityProviders: ['FARGATE'],
    healthCheck: {
      path: '/readyz',
      timeoutSeconds: 2,
      intervalSeconds: 5,
      unhealthyThreshold: 2,
      matcher: '200',
    },
    network: {
      taskGroups: ['sg-tasks'],
      balancerGroups: ['sg-alb'],
      ingress: [{ protocol: 'tcp', fromPort: 5000, toPort: 5000, groups: ['sg-alb'], ranges: [] }],
    },
    ...changes,
  };
}
