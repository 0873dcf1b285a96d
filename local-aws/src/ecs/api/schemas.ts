/**
 * The input of CreateService, UpdateService and RunTask as clients send it.
 * Unknown fields are tolerated: newer clients know more than we do.
 */
import * as z from 'zod';
import { tagsSchema } from './context.ts';

const count = z.number().int().min(0);

const networkConfiguration = z.object({
  awsvpcConfiguration: z
    .object({
      subnets: z.array(z.string()).default([]),
      securityGroups: z.array(z.string()).default([]),
      assignPublicIp: z.enum(['ENABLED', 'DISABLED']).default('DISABLED'),
    })
    .optional(),
});

const capacityProviderStrategy = z.array(
  z.object({
    capacityProvider: z.string(),
    weight: z.number().int().min(0).max(1_000).default(0),
    base: z.number().int().min(0).max(100_000).default(0),
  }),
);

const loadBalancers = z.array(
  z.object({
    targetGroupArn: z.string().optional(),
    loadBalancerName: z.string().optional(),
    containerName: z.string().default(''),
    containerPort: z.number().int().default(0),
  }),
);

const deploymentConfiguration = z.object({
  maximumPercent: count.optional(),
  minimumHealthyPercent: count.optional(),
  deploymentCircuitBreaker: z
    .object({ enable: z.boolean().default(false), rollback: z.boolean().default(false) })
    .optional(),
  alarms: z
    .object({
      alarmNames: z.array(z.string()).default([]),
      enable: z.boolean().default(false),
      rollback: z.boolean().default(false),
    })
    .optional(),
  strategy: z.string().optional(),
});

const changeable = {
  cluster: z.string().optional(),
  desiredCount: count.optional(),
  capacityProviderStrategy: capacityProviderStrategy.optional(),
  deploymentConfiguration: deploymentConfiguration.optional(),
  availabilityZoneRebalancing: z.enum(['ENABLED', 'DISABLED']).optional(),
  networkConfiguration: networkConfiguration.optional(),
  placementConstraints: z.array(z.unknown()).optional(),
  placementStrategy: z.array(z.unknown()).optional(),
  platformVersion: z.string().optional(),
  healthCheckGracePeriodSeconds: count.optional(),
  enableExecuteCommand: z.boolean().optional(),
  enableECSManagedTags: z.boolean().optional(),
  loadBalancers: loadBalancers.optional(),
  propagateTags: z.enum(['NONE', 'SERVICE', 'TASK_DEFINITION', '']).optional(),
  serviceRegistries: z.array(z.unknown()).optional(),
  taskDefinition: z.string().optional(),
  deploymentController: z.object({ type: z.string() }).optional(),
};

export const createServiceInput = z.object({
  ...changeable,
  serviceName: z.string(),
  clientToken: z.string().optional(),
  launchType: z.enum(['FARGATE', 'EC2', 'EXTERNAL']).optional(),
  schedulingStrategy: z.string().optional(),
  tags: tagsSchema.optional(),
});

export const updateServiceInput = z.object({
  ...changeable,
  service: z.string(),
  forceNewDeployment: z.boolean().default(false),
});

export const runTaskInput = z.object({
  cluster: z.string().optional(),
  taskDefinition: z.string(),
  count: z.number().int().optional(),
  launchType: z.enum(['FARGATE', 'EC2', 'EXTERNAL']).optional(),
  capacityProviderStrategy: capacityProviderStrategy.optional(),
  networkConfiguration: networkConfiguration.optional(),
  group: z.string().optional(),
  startedBy: z.string().optional(),
  enableExecuteCommand: z.boolean().default(false),
  enableECSManagedTags: z.boolean().default(false),
  propagateTags: z.enum(['NONE', 'SERVICE', 'TASK_DEFINITION', '']).optional(),
  platformVersion: z.string().optional(),
  tags: tagsSchema.optional(),
  overrides: z
    .looseObject({
      containerOverrides: z
        .array(
          z.looseObject({
            name: z.string().optional(),
            command: z.array(z.string()).optional(),
            environment: z.array(z.object({ name: z.string(), value: z.string().default('') })).optional(),
          }),
        )
        .default([]),
    })
    .optional(),
});

export type NetworkInput = z.infer<typeof networkConfiguration>;
export type LoadBalancerInput = z.infer<typeof loadBalancers>;
export type DeploymentConfigurationInput = z.infer<typeof deploymentConfiguration>;
export type CreateServiceInput = z.infer<typeof createServiceInput>;
export type UpdateServiceInput = z.infer<typeof updateServiceInput>;
