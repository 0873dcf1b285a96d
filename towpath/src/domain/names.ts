/**
 * Every AWS name that Towpath composes, in the patterns of the architecture
 * (`${project}-${environment}-${resource}`). The Terraform composes the same ones; a test compares the two.
 */

export interface EnvironmentNames {
  readonly prefix: string;
  readonly vpc: string;
  readonly cluster: string;
  readonly service: string;
  readonly loadBalancer: string;
  readonly targetGroup: string;
  readonly tasksSecurityGroup: string;
  readonly executionRole: string;
  readonly taskRole: string;
  readonly taskFamily: string;
  readonly logGroup: string;
  /** `/project/environment` */
  readonly parameterPath: string;
  /** SSM parameter of a secret. */
  parameter(secret: string): string;
}

export function environmentNames(project: string, environment: string): EnvironmentNames {
  const prefix = `${project}-${environment}`;
  const parameterPath = `/${project}/${environment}`;
  return {
    prefix,
    vpc: `${prefix}-vpc`,
    cluster: `${prefix}-ecs-cluster`,
    service: `${prefix}-ecs-service`,
    loadBalancer: `${prefix}-alb`,
    targetGroup: `${prefix}-tg`,
    tasksSecurityGroup: `${prefix}-ecs-tasks-sg`,
    executionRole: `${prefix}-ecs-execution-role`,
    taskRole: `${prefix}-ecs-task-role`,
    taskFamily: `${prefix}-ecs-task`,
    logGroup: `/ecs/${prefix}`,
    parameterPath,
    parameter: (secret) => `${parameterPath}/${secret}`,
  };
}

export function defaultStateBucket(project: string, environment: string): string {
  return `${project}-terraform-state-${environment}`;
}

export function defaultLockTable(environment: string): string {
  return `terraform-lock-${environment}`;
}

/** Key of the Terraform state in an environment's state bucket. */
export const STATE_KEY = 'terraform.tfstate';

/** The variable a container reads a secret from: `app-secret` → `APP_SECRET`. */
export function secretVariable(secret: string): string {
  return secret.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');
}

/** The six tags that everything carries. */
export function commonTags(
  project: { readonly name: string; readonly owner: string; readonly application: string },
  environment: string,
): Readonly<Record<string, string>> {
  return {
    Environment: environment,
    Project: project.name,
    Owner: project.owner,
    CreatedBy: 'terraform',
    ManagedBy: 'terraform',
    Application: project.application,
  };
}

/** Of these tags, those that say whose a resource is. */
export const OWNER_TAGS = ['Project', 'Environment', 'ManagedBy'] as const;

/** A composed name that breaks a limit of AWS. */
export interface NameProblem {
  readonly kind: string;
  readonly name: string;
  readonly limit: number;
}

/**
 * Limits: load balancer and target group 32, IAM role 64 (ELBv2 and IAM API references),
 * S3 bucket 63, DynamoDB table 255, ECS cluster, service and family 255.
 */
export function tooLongNames(
  project: string,
  environment: { readonly name: string; readonly stateBucket: string; readonly lockTable: string },
): readonly NameProblem[] {
  const names = environmentNames(project, environment.name);
  const limits: readonly (readonly [string, string, number])[] = [
    ['load balancer', names.loadBalancer, 32],
    ['target group', names.targetGroup, 32],
    ['IAM role', names.executionRole, 64],
    ['IAM role', names.taskRole, 64],
    ['S3 bucket', environment.stateBucket, 63],
    ['DynamoDB table', environment.lockTable, 255],
  ];
  return limits
    .filter(([, name, limit]) => name.length > limit)
    .map(([kind, name, limit]) => ({ kind, name, limit }));
}
