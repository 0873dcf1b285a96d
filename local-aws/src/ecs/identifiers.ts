/**
 * Names and identifiers of ECS: ARNs built and taken apart, random ids in the shapes AWS uses.
 */
import { randomBytes, randomUUID } from 'node:crypto';

export interface ArnScope {
  readonly region: string;
  readonly accountId: string;
}

const ecsArn = (scope: ArnScope, resource: string): string =>
  `arn:aws:ecs:${scope.region}:${scope.accountId}:${resource}`;

export const clusterArn = (scope: ArnScope, cluster: string): string => ecsArn(scope, `cluster/${cluster}`);
export const serviceArn = (scope: ArnScope, cluster: string, service: string): string =>
  ecsArn(scope, `service/${cluster}/${service}`);
export const taskArn = (scope: ArnScope, cluster: string, taskId: string): string =>
  ecsArn(scope, `task/${cluster}/${taskId}`);
export const containerArn = (scope: ArnScope, cluster: string, taskId: string, id: string): string =>
  ecsArn(scope, `container/${cluster}/${taskId}/${id}`);
export const serviceDeploymentArn = (scope: ArnScope, cluster: string, service: string, id: string): string =>
  ecsArn(scope, `service-deployment/${cluster}/${service}/${id}`);

/** The digits are those of the deployment's id: clients find the deployment of a revision by them. */
export const serviceRevisionArn = (
  scope: ArnScope,
  cluster: string,
  service: string,
  deploymentId: string,
): string => ecsArn(scope, `service-revision/${cluster}/${service}/${deploymentId.replace('ecs-svc/', '')}`);

/** The key of a service in the store. */
export const serviceKey = (cluster: string, service: string): string => `${cluster}/${service}`;

/** `name`, `arn:...:cluster/name` → `name`. */
export function clusterNameOf(reference: string | undefined): string {
  if (reference === undefined || reference === '') return 'default';
  return reference.startsWith('arn:') ? (reference.split('/')[1] ?? '') : reference;
}

/** `name`, `arn:...:service/name`, `arn:...:service/cluster/name` → `name`. */
export function lastPart(reference: string): string {
  return reference.slice(reference.lastIndexOf('/') + 1);
}

const RESOURCE_ARN = /^arn:[^:]+:ecs:[^:]*:[^:]*:([a-z-]+)\/(.+)$/;

/** Resource type and path of an ECS ARN; undefined for anything else. */
export function parseResourceArn(arn: string): { readonly type: string; readonly path: string } | undefined {
  const match = RESOURCE_ARN.exec(arn);
  return match ? { type: match[1] ?? '', path: match[2] ?? '' } : undefined;
}

/** 32 hexadecimal digits, as a task id. */
export const randomHex = (bytes = 16): string => randomBytes(bytes).toString('hex');

/** 19 digits that do not start with 0. */
export function randomDigits(): string {
  const digits = (randomBytes(8).readBigUInt64BE() % 9_000_000_000_000_000_000n) + 1_000_000_000_000_000_000n;
  return digits.toString();
}

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SERVICE_DEPLOYMENT_ID_LENGTH = 21;

export function randomServiceDeploymentId(): string {
  return [...randomBytes(SERVICE_DEPLOYMENT_ID_LENGTH)].map((byte) => BASE62[byte % 62]).join('');
}

/** A version-4 identifier with dashes. */
export const randomUuid = (): string => randomUUID();
