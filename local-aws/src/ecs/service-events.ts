/**
 * Turns what tasks go through into the events of their service: collected between two ticks, told as one.
 */
import type { Clock } from '../contract.ts';
import { recordFailure } from './deployments.ts';
import type { TaskObserver } from './lifecycle/task-observer.ts';
import type { PendingEvents, ServiceRecord } from './model.ts';
import type { Store } from './store.ts';
import { eventText } from './wording.ts';

const count = (counts: Map<string, number> | undefined, arn: string): void =>
  void counts?.set(arn, (counts.get(arn) ?? 0) + 1);

export const noPendingEvents = (): PendingEvents => ({
  started: [],
  replaced: 0,
  abandoned: 0,
  draining: 0,
  stopped: [],
  registered: new Map(),
  deregistered: new Map(),
});

export function createTaskObserver(store: Store, clock: Clock): TaskObserver {
  return {
    registered: (task, arn) => count(task.service?.pendingEvents.registered, arn),
    deregistered: (task, arn) => count(task.service?.pendingEvents.deregistered, arn),
    draining(task) {
      if (task.service) task.service.pendingEvents.draining += 1;
    },
    stopping(task) {
      if (!task.stopCause?.told) task.service?.pendingEvents.stopped.push(task.id);
    },
    ended(task, cause) {
      store.touch();
      const { service } = task;
      if (!service) return;
      if (cause.code === 'TaskFailedToStart')
        store.addEvent(service, eventText.unableToPlace(service.name, cause.reason), clock.now());
      if (cause.failure && task.deployment)
        recordFailure(store, service, task.deployment, clock.now(), (awsMs) => clock.scaled(awsMs));
    },
  };
}

/** Tells what tasks did since the last call, in the order in which it happens to a task. */
export function tellPendingEvents(store: Store, service: ServiceRecord, now: number): void {
  const due = service.pendingEvents;
  const say = (message: string): void => store.addEvent(service, message, now);
  if (due.started.length > 0) say(eventText.started(service.name, due.started, due.replaced));
  if (due.abandoned > 0) say(eventText.stoppedPending(service.name, due.abandoned));
  for (const [arn, targets] of due.registered) say(eventText.registered(service.name, targets, arn));
  if (due.draining > 0) say(eventText.draining(service.name, due.draining));
  for (const [arn, targets] of due.deregistered) say(eventText.deregistered(service.name, targets, arn));
  if (due.stopped.length > 0) say(eventText.stopped(service.name, due.stopped));
  due.started = [];
  due.replaced = 0;
  due.abandoned = 0;
  due.stopped = [];
  due.draining = 0;
  due.registered.clear();
  due.deregistered.clear();
}
