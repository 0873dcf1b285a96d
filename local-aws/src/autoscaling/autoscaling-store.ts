/**
 * What Application Auto Scaling remembers: scalable targets, policies, scheduled actions, activities and tags.
 * In memory and without I/O. Evaluating policies is not done here; `targets()` and `policiesOf()` are there for it.
 */
import { randomUUID } from 'node:crypto';
import type { NotScaledReason, ScalingMemory } from './decide-capacity.ts';
import type { TargetTracking } from './scaling-alarms.ts';
import type { StepScaling } from './step-adjustment.ts';

/** What every object of this API is attached to. */
export interface ScalableResource {
  readonly ServiceNamespace: string;
  readonly ResourceId: string;
  readonly ScalableDimension: string;
}

export interface SuspendedState {
  readonly DynamicScalingInSuspended: boolean;
  readonly DynamicScalingOutSuspended: boolean;
  readonly ScheduledScalingSuspended: boolean;
}

/** Times are seconds since the epoch, as on the wire. */
export interface ScalableTarget extends ScalableResource {
  readonly MinCapacity: number;
  readonly MaxCapacity: number;
  readonly RoleARN: string;
  readonly SuspendedState: SuspendedState;
  readonly CreationTime: number;
  readonly ScalableTargetARN: string;
}

export interface PolicyAlarm {
  readonly AlarmName: string;
  readonly AlarmARN: string;
}

export interface ScalingPolicy extends ScalableResource {
  readonly PolicyARN: string;
  readonly PolicyName: string;
  readonly PolicyType: string;
  readonly StepScalingPolicyConfiguration?: StepScaling | undefined;
  readonly TargetTrackingScalingPolicyConfiguration?: TargetTracking | undefined;
  readonly Alarms: readonly PolicyAlarm[];
  readonly CreationTime: number;
}

export interface ScheduledAction extends ScalableResource {
  readonly ScheduledActionName: string;
  readonly ScheduledActionARN: string;
  readonly Schedule: string;
  readonly Timezone?: string | undefined;
  readonly StartTime?: number | undefined;
  readonly EndTime?: number | undefined;
  readonly ScalableTargetAction?:
    | { readonly MinCapacity?: number | undefined; readonly MaxCapacity?: number | undefined }
    | undefined;
  readonly CreationTime: number;
}

export interface ScalingActivity extends ScalableResource {
  readonly ActivityId: string;
  readonly Description: string;
  readonly Cause: string;
  readonly StartTime: number;
  readonly EndTime?: number | undefined;
  readonly StatusCode: 'InProgress' | 'Successful' | 'Overridden' | 'Failed';
  readonly StatusMessage: string;
  /** Only of an activity that a policy wanted and that did not come about. */
  readonly NotScaledReasons?: readonly NotScaledReason[] | undefined;
  /** What it set, while it waits for ECS; not shown. */
  readonly desiredCount?: number | undefined;
}

/** All of it as plain data, for whoever keeps it over a restart. */
export interface AutoscalingSnapshot {
  readonly targets: readonly ScalableTarget[];
  readonly policies: readonly ScalingPolicy[];
  readonly actions: readonly ScheduledAction[];
  readonly activities: readonly ScalingActivity[];
  /** Tags by the ARN of their target. */
  readonly tags: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly memories: Readonly<Record<string, ScalingMemory>>;
}

/** AWS keeps activities for six weeks; here the newest of them. */
const maxActivities = 1000;

export class AutoscalingStore {
  readonly #targets = new Map<string, ScalableTarget>();
  readonly #policies = new Map<string, ScalingPolicy>();
  readonly #actions = new Map<string, ScheduledAction>();
  readonly #tags = new Map<string, Map<string, string>>();
  readonly #memories = new Map<string, ScalingMemory>();
  #activities: readonly ScalingActivity[] = [];

  targets(): readonly ScalableTarget[] {
    return [...this.#targets.values()];
  }

  target(resource: ScalableResource): ScalableTarget | undefined {
    return this.#targets.get(keyOf(resource));
  }

  putTarget(target: ScalableTarget): void {
    this.#targets.set(keyOf(target), target);
    if (!this.#tags.has(target.ScalableTargetARN)) this.#tags.set(target.ScalableTargetARN, new Map());
  }

  /** Takes the target's policies and scheduled actions along. @returns the policies, whose alarms have to go too */
  removeTarget(resource: ScalableResource): readonly ScalingPolicy[] {
    const target = this.target(resource);
    const policies = this.policiesOf(resource);
    if (target !== undefined) this.#tags.delete(target.ScalableTargetARN);
    this.#targets.delete(keyOf(resource));
    this.#memories.delete(keyOf(resource));
    for (const policy of policies) this.#policies.delete(keyOf(resource, policy.PolicyName));
    for (const [key, action] of this.#actions)
      if (keyOf(action) === keyOf(resource)) this.#actions.delete(key);
    return policies;
  }

  policies(): readonly ScalingPolicy[] {
    return [...this.#policies.values()];
  }

  policiesOf(resource: ScalableResource): readonly ScalingPolicy[] {
    return this.policies().filter((policy) => keyOf(policy) === keyOf(resource));
  }

  policy(resource: ScalableResource, name: string): ScalingPolicy | undefined {
    return this.#policies.get(keyOf(resource, name));
  }

  putPolicy(policy: ScalingPolicy): void {
    this.#policies.set(keyOf(policy, policy.PolicyName), policy);
  }

  removePolicy(policy: ScalingPolicy): void {
    this.#policies.delete(keyOf(policy, policy.PolicyName));
  }

  actions(): readonly ScheduledAction[] {
    return [...this.#actions.values()];
  }

  action(resource: ScalableResource, name: string): ScheduledAction | undefined {
    return this.#actions.get(keyOf(resource, name));
  }

  putAction(action: ScheduledAction): void {
    this.#actions.set(keyOf(action, action.ScheduledActionName), action);
  }

  removeAction(action: ScheduledAction): void {
    this.#actions.delete(keyOf(action, action.ScheduledActionName));
  }

  /** Newest first. */
  activities(): readonly ScalingActivity[] {
    return this.#activities;
  }

  recordActivity(activity: Omit<ScalingActivity, 'ActivityId'>): void {
    const recorded = { ActivityId: randomUUID(), ...activity };
    this.#activities = [recorded, ...this.#activities].slice(0, maxActivities);
  }

  /** Puts the activity with the same id in its new state. */
  updateActivity(changed: ScalingActivity): void {
    this.#activities = this.#activities.map((activity) =>
      activity.ActivityId === changed.ActivityId ? changed : activity,
    );
  }

  /** When policies last changed the capacity of a target, for their cooldowns. */
  memory(resource: ScalableResource): ScalingMemory {
    return this.#memories.get(keyOf(resource)) ?? {};
  }

  remember(resource: ScalableResource, memory: ScalingMemory): void {
    this.#memories.set(keyOf(resource), memory);
  }

  snapshot(): AutoscalingSnapshot {
    const tags = [...this.#tags].map(([arn, own]) => [arn, Object.fromEntries(own)] as const);
    return {
      targets: this.targets(),
      policies: this.policies(),
      actions: this.actions(),
      activities: this.#activities,
      tags: Object.fromEntries(tags),
      memories: Object.fromEntries(this.#memories),
    };
  }

  /** Takes the place of all that was there. @param from what {@link snapshot} gave, of any start before */
  restore(from: AutoscalingSnapshot): void {
    for (const map of [this.#targets, this.#policies, this.#actions, this.#tags, this.#memories]) map.clear();
    for (const [arn, own] of Object.entries(from.tags)) this.#tags.set(arn, new Map(Object.entries(own)));
    for (const target of from.targets) this.putTarget(target);
    for (const policy of from.policies) this.putPolicy(policy);
    for (const action of from.actions) this.putAction(action);
    for (const [key, memory] of Object.entries(from.memories)) this.#memories.set(key, memory);
    this.#activities = from.activities.slice(0, maxActivities);
  }

  /** The live tags of a scalable target; undefined when there is no such ARN. */
  tags(resourceArn: string): Map<string, string> | undefined {
    return this.#tags.get(resourceArn);
  }
}

function keyOf(resource: ScalableResource, name = ''): string {
  return [resource.ServiceNamespace, resource.ResourceId, resource.ScalableDimension, name].join('|');
}
