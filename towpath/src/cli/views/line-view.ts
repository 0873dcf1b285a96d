/** Human output as plain lines, one for each thing that happens: for logs, CI and pipes. */

import { countChanges } from '../../domain/plan.ts';
import type { ProgressEvent } from '../../domain/progress.ts';
import { renderError } from './render-error.ts';
import { summariseTasks } from './render-rollout.ts';
import { formatDuration, MARKED, type Paint, renderTable, wrapProse } from './style.ts';
import type { CommandResult, Output, View } from './view.ts';

export function createLineView(out: Output, err: Output, paint: Paint): View {
  let several: readonly string[] = [];
  return {
    notify(event) {
      if (event.type === 'several') several = event.environments;
      const line = renderEvent(event, paint);
      if (line !== undefined)
        out.write(`${wrapProse(prefixLines(line, event, several, paint), out.columns)}\n`);
    },
    result(result: CommandResult) {
      if (result.text !== '') out.write(`${wrapProse(result.text, out.columns, MARKED)}\n`);
    },
    error(error, options) {
      err.write(`${wrapProse(renderError(error, paint, options), err.columns)}\n`);
    },
    pause: () => () => undefined,
    close() {},
  };
}

/** Where several environments run side by side, each line begins with the one that it is about. */
export function prefixLines(
  text: string,
  { environment }: ProgressEvent,
  several: readonly string[],
  paint: Paint,
): string {
  if (environment === undefined || several.length === 0) return text;
  const width = Math.max(...several.map(({ length }) => length));
  const prefix = paint('cyan', environment.padEnd(width));
  return text
    .split('\n')
    .map((line) => `${prefix} ${line}`)
    .join('\n');
}

/** One event as a line; undefined for what is worth no line of its own. */
export function renderEvent(event: ProgressEvent, paint: Paint): string | undefined {
  switch (event.type) {
    case 'several':
      return undefined;
    case 'target':
      return renderTarget(event, paint);
    case 'stage.start':
      return `${paint('cyan', '→')} ${event.stage}`;
    case 'stage.end':
      return renderStageEnd(event, paint);
    case 'note':
      return `  ${event.text}`;
    case 'warning':
      return `${paint('yellow', '!')} ${event.text}${event.hint === undefined ? '' : `\n  ${paint('dim', event.hint)}`}`;
    case 'terraform.plan': {
      const { add, change, destroy } = countChanges(event.summary);
      return event.summary.empty
        ? '  plan: nothing to change'
        : `  plan: ${add} to add, ${change} to change, ${destroy} to destroy`;
    }
    case 'terraform.resource':
      return renderResource(event, paint);
    case 'release':
      return renderTable([
        [
          `  release ${paint('bold', event.release.id)}`,
          `image ${event.release.imageDigest.slice(0, 19)}`,
          `commit ${event.release.sourceCommit.slice(0, 12)}${event.release.sourceCommit.endsWith('-dirty') ? '-dirty' : ''}`,
        ],
      ]);
    case 'gates':
      return renderGates(event, paint);
    case 'rollout':
      return `  ${summariseTasks(event.snapshot)}`;
    case 'service.event':
      return `  ${paint('dim', event.time.slice(11, 19))} ${event.message}`;
  }
}

export function renderGates(event: Extract<ProgressEvent, { type: 'gates' }>, paint: Paint): string {
  const marks = { open: paint('green', '✓'), waiting: paint('yellow', '…'), closed: paint('red', '✗') };
  const what = event.promotion === undefined ? 'rollback to' : `promotion ${event.promotion} of`;
  const rows = event.gates.map(({ name, state, reason }) => [marks[state], name, paint('dim', reason)]);
  return `  ${what} ${paint('bold', event.release)}\n${renderTable(rows, '  ')}`;
}

export function renderTarget(event: Extract<ProgressEvent, { type: 'target' }>, paint: Paint): string {
  const where = event.kind === 'local' ? `embedded AWS at ${event.endpoint}` : 'AWS';
  const who = event.identity.split(':').at(-1) ?? event.identity;
  return `${paint('bold', event.environment)} on ${paint(event.kind === 'local' ? 'cyan' : 'yellow', where)}: account ${event.account}, ${event.region}, as ${who}`;
}

export function renderStageEnd(event: Extract<ProgressEvent, { type: 'stage.end' }>, paint: Paint): string {
  const mark = event.outcome === 'done' ? paint('green', '✓') : paint('red', '✗');
  const detail =
    event.detail === undefined || event.detail === '' ? '' : ` ${paint('dim', `(${event.detail})`)}`;
  return `${mark} ${event.stage} ${paint('dim', formatDuration(event.ms))}${detail}`;
}

function renderResource(
  event: Extract<ProgressEvent, { type: 'terraform.resource' }>,
  paint: Paint,
): string | undefined {
  const verb = `${event.action} ${event.address}`;
  if (event.state === 'started') return undefined;
  if (event.state === 'progress')
    return event.elapsedSeconds % 30 === 0
      ? `  … ${verb} ${paint('dim', `${event.elapsedSeconds} s`)}`
      : undefined;
  const mark = event.state === 'done' ? paint('green', '✓') : paint('red', '✗');
  return `  ${mark} ${verb} ${paint('dim', `${event.elapsedSeconds} s`)}`;
}
