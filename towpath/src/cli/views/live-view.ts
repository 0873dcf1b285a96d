/**
 * Human output on a terminal: what is finished scrolls up as lines, what is under way is redrawn below them.
 */

import type { createLogUpdate } from 'log-update';
import type { ProgressEvent } from '../../domain/progress.ts';
import { prefixLines, renderEvent } from './line-view.ts';
import { renderError } from './render-error.ts';
import { describeRollout, renderTasks, summariseTasks } from './render-rollout.ts';
import { formatDuration, MARKED, type Paint, truncate, wrapProse } from './style.ts';
import type { CommandResult, Output, View } from './view.ts';

const REDRAW_MS = 120;
const MAX_RESOURCES_SHOWN = 8;
const MAX_SERVICE_EVENTS_SHOWN = 4;
const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'] as const;

interface LiveState {
  readonly stages: Map<string, number>;
  readonly resources: Map<string, { readonly action: string; readonly startedAt: number }>;
  resourcesDone: number;
  resourcesPlanned: number;
  rollout: Extract<ProgressEvent, { type: 'rollout' }> | undefined;
  readonly events: string[];
}

export interface LiveOptions {
  readonly out: Output;
  readonly err: Output;
  readonly paint: Paint;
  readonly redraw: ReturnType<typeof createLogUpdate>;
  readonly now: () => number;
}

export function createLiveView({ out, err, paint, redraw, now }: LiveOptions): View {
  // By environment; events that name none share one.
  const states = new Map<string, LiveState>();
  let several: readonly string[] = [];
  let frame = 0;
  let paused = false;
  let closed = false;
  const draw = () => {
    const busy = [...states].filter(([, { stages }]) => stages.size > 0);
    if (closed || paused || busy.length === 0) return;
    frame += 1;
    const columns = out.columns ?? 80;
    const spinner = SPINNER[frame % SPINNER.length] ?? '';
    const lines = busy.flatMap(([environment, state]) =>
      several.length > 0
        ? renderShort(environment, state, several, paint, spinner, now())
        : renderFrame(state, paint, spinner, now()),
    );
    redraw(lines.map((line) => truncate(line, columns)).join('\n'));
  };
  const timer = setInterval(draw, REDRAW_MS);
  timer.unref();
  const print = (line: string) => {
    redraw.clear();
    out.write(`${line}\n`);
    draw();
  };
  const close = () => {
    if (closed) return;
    closed = true;
    clearInterval(timer);
    redraw.clear();
    redraw.done();
  };
  return {
    notify(event) {
      if (event.type === 'several') several = event.environments;
      const state = stateOf(states, several.length > 0 ? (event.environment ?? '') : '');
      const line = takeIn(state, event, now()) ? renderEvent(event, paint) : undefined;
      if (line === undefined) draw();
      else print(wrapProse(prefixLines(line, event, several, paint), out.columns));
    },
    result(result: CommandResult) {
      close();
      if (result.text !== '') out.write(`${wrapProse(result.text, out.columns, MARKED)}\n`);
    },
    error(error, options) {
      close();
      err.write(`${wrapProse(renderError(error, paint, options), err.columns)}\n`);
    },
    pause() {
      paused = true;
      redraw.clear();
      return () => {
        paused = false;
      };
    },
    close,
  };
}

function stateOf(states: Map<string, LiveState>, environment: string): LiveState {
  const existing = states.get(environment);
  if (existing) return existing;
  const created: LiveState = {
    stages: new Map(),
    resources: new Map(),
    resourcesDone: 0,
    resourcesPlanned: 0,
    rollout: undefined,
    events: [],
  };
  states.set(environment, created);
  return created;
}

/** Takes an event into the state. @returns whether it is also worth a lasting line */
function takeIn(state: LiveState, event: ProgressEvent, now: number): boolean {
  switch (event.type) {
    case 'stage.start':
      state.stages.set(event.stage, now);
      return false;
    case 'stage.end':
      state.stages.delete(event.stage);
      if (state.stages.size === 0) {
        state.resources.clear();
        state.rollout = undefined;
        state.events.length = 0;
      }
      return true;
    case 'terraform.resource':
      if (event.state === 'started')
        state.resources.set(event.address, { action: event.action, startedAt: now });
      if (event.state === 'done' || event.state === 'failed') {
        state.resources.delete(event.address);
        state.resourcesDone += 1;
      }
      return event.state === 'failed';
    case 'terraform.plan':
      state.resourcesPlanned = event.summary.changes.length;
      state.resourcesDone = 0;
      return true;
    case 'rollout':
      state.rollout = event;
      return false;
    case 'service.event':
      state.events.push(`${event.time.slice(11, 19)} ${event.message}`);
      return false;
    default:
      return true;
  }
}

/** One line for what is under way, and one for the tasks: four environments have to fit on a screen. */
function renderShort(
  environment: string,
  state: LiveState,
  several: readonly string[],
  paint: Paint,
  spinner: string,
  now: number,
): string[] {
  const prefix = paint('cyan', environment.padEnd(Math.max(...several.map(({ length }) => length))));
  const stages = [...state.stages].map(
    ([stage, startedAt]) => `${stage} ${formatDuration(now - startedAt)}${describeProgress(state, stage)}`,
  );
  const [oldest] = state.resources;
  const resource = oldest === undefined ? '' : paint('dim', ` · ${oldest[1].action} ${oldest[0]}`);
  const lines = [`${prefix} ${paint('cyan', spinner)} ${stages.join(', ')}${resource}`];
  if (state.rollout) lines.push(`${prefix}   ${summariseTasks(state.rollout.snapshot)}`);
  return lines;
}

function describeProgress({ resourcesDone, resourcesPlanned }: LiveState, stage: string): string {
  if (resourcesPlanned === 0 || (stage !== 'apply' && stage !== 'destroy')) return '';
  return ` ${Math.min(resourcesDone, resourcesPlanned)}/${resourcesPlanned} resources`;
}

function renderFrame(state: LiveState, paint: Paint, spinner: string, now: number): string[] {
  const lines: string[] = [];
  for (const [stage, startedAt] of state.stages) {
    const progress = describeProgress(state, stage);
    lines.push(
      `${paint('cyan', spinner)} ${stage} ${paint('dim', formatDuration(now - startedAt))}${paint('dim', progress)}`,
    );
  }
  const resources = [...state.resources].slice(0, MAX_RESOURCES_SHOWN);
  for (const [address, { action, startedAt }] of resources) {
    lines.push(`  ${action} ${address} ${paint('dim', formatDuration(now - startedAt))}`);
  }
  const hidden = state.resources.size - resources.length;
  if (hidden > 0) lines.push(paint('dim', `  and ${hidden} more`));
  if (state.rollout) {
    const { snapshot, requestedDigest } = state.rollout;
    lines.push(
      `  ${describeRollout(snapshot)}`,
      ...renderTasks(snapshot, paint, requestedDigest)
        .split('\n')
        .map((line) => `  ${line}`),
    );
    lines.push(...state.events.slice(-MAX_SERVICE_EVENTS_SHOWN).map((line) => paint('dim', `  ${line}`)));
  }
  return lines;
}
