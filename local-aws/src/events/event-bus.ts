/**
 * The default event bus: events of the embedded AWS's own services are held against the rules that the control plane
 * keeps, and handed to the targets of those that match. Topics are the targets that are known.
 */
import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import { minuteAt, startOfMinute } from '../cloudwatch/aws-minute.ts';
import type { Clock, ControlPlane, MetricSink } from '../contract.ts';
import { type AwsEvent, type EventDocument, type EventSink, renderEvent } from './aws-event.ts';
import { EventPatternError, parseEventPattern } from './event-pattern.ts';
import { type EventTarget, eventTarget, renderTargetInput } from './event-target.ts';

/** Events that wait for the control plane; what comes on top is lost. */
const maxWaiting = 1_000;
const maxPages = 20;
const maxTold = 1_000;

const ruleList = z.object({
  Rules: z.array(
    z.object({ Name: z.string(), State: z.string().default('ENABLED'), EventPattern: z.string().optional() }),
  ),
  NextToken: z.string().nullish(),
});
const targetList = z.object({ Targets: z.array(eventTarget) });

type Rule = z.infer<typeof ruleList>['Rules'][number];

export interface EventBus extends EventSink {
  /** Delivers what waits. Idempotent. */
  stop(): Promise<void>;
}

export interface EventBusOptions {
  readonly clock: Clock;
  readonly control: ControlPlane;
  readonly sink: MetricSink;
  readonly log: (line: string) => void;
}

export function createEventBus(options: EventBusOptions): EventBus {
  const { control, log } = options;
  const told = new Set<string>();
  const tellOnce = (line: string) => {
    if (told.has(line) || told.size >= maxTold) return;
    told.add(line);
    log(line);
  };
  let waiting = 0;
  let stopped = false;
  /** One after the other, so that targets hear of events in their order. */
  let lane: Promise<void> = Promise.resolve();
  return {
    put(event) {
      if (stopped || waiting >= maxWaiting) return tellOnce('an event was dropped');
      waiting += 1;
      lane = lane
        .then(() => deliver(options, event, tellOnce))
        .catch((error: unknown) => tellOnce(`event ${event.detailType}: ${describe(error)}`))
        .finally(() => {
          waiting -= 1;
        });
    },
    stop() {
      stopped = true;
      return lane;
    },
  };

  async function deliver(
    { clock, sink }: EventBusOptions,
    event: AwsEvent,
    tell: (line: string) => void,
  ): Promise<void> {
    const document = renderEvent(event, control, randomUUID());
    for (const rule of await loadRules(control)) {
      if (!matches(rule, document, tell)) continue;
      const at = startOfMinute(clock, minuteAt(clock, clock.now()) + 1);
      const count = (name: string) => {
        const one = { count: 1, sum: 1, minimum: 1, maximum: 1 };
        const dimensions = { RuleName: rule.Name };
        sink.record([{ namespace: 'AWS/Events', name, dimensions, unit: 'Count', at, ...one }]);
      };
      count('TriggeredRules');
      for (const target of await loadTargets(control, rule)) {
        count('Invocations');
        await invoke(control, target, document).catch((error: unknown) => {
          count('FailedInvocations');
          tell(`target ${target.Id} of rule ${rule.Name}: ${describe(error)}`);
        });
      }
    }
  }
}

function matches(rule: Rule, document: EventDocument, tell: (line: string) => void): boolean {
  if (rule.State !== 'ENABLED' || rule.EventPattern === undefined) return false;
  try {
    return parseEventPattern(rule.EventPattern)(document);
  } catch (error) {
    if (!(error instanceof EventPatternError)) throw error;
    tell(`rule ${rule.Name} is not evaluated: ${error.message}`);
    return false;
  }
}

async function loadRules(control: ControlPlane): Promise<readonly Rule[]> {
  const rules: Rule[] = [];
  let token: string | undefined;
  for (let page = 0; page < maxPages; page += 1) {
    const answer = ruleList.parse(
      await control.json('events', 'ListRules', token ? { NextToken: token } : {}),
    );
    rules.push(...answer.Rules);
    token = answer.NextToken ?? undefined;
    if (token === undefined) break;
  }
  return rules;
}

/** A rule has five targets at most. */
async function loadTargets(control: ControlPlane, rule: Rule): Promise<readonly EventTarget[]> {
  return targetList.parse(await control.json('events', 'ListTargetsByRule', { Rule: rule.Name })).Targets;
}

async function invoke(control: ControlPlane, target: EventTarget, document: EventDocument): Promise<void> {
  if (!target.Arn.startsWith('arn:aws:sns:'))
    throw new Error(`the embedded AWS knows topics only, not ${target.Arn}`);
  const Message = renderTargetInput(target, document);
  await control.query('sns', 'Publish', { TopicArn: target.Arn, Message });
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
