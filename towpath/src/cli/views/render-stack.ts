/** The local development stack for people: what runs where, what is missing, and what happened to the source. Pure. */
import type { StackComponent, StackEvent, StackReload, StackStatus } from '../../actions/index.ts';
import { renderLogLine } from './render-log.ts';
import { formatDuration, type Paint, plural, renderTable } from './style.ts';

/** Of a change that touched many files, the first so many are named. */
const NAMED_FILES = 3;

export function renderStack(status: StackStatus, paint: Paint): string {
  const lines = [renderTable(status.components.map((component) => renderComponent(component, paint)))];
  for (const { title, detail, hint } of status.components.filter(({ state }) => state !== 'running'))
    lines.push(...notes(title, detail, hint, paint));
  for (const { title, detail } of status.components.filter(({ state }) => state === 'running'))
    if (detail !== undefined) lines.push(`${paint('yellow', '!')} ${title}: ${detail}`);
  if (status.withoutCompose !== undefined)
    lines.push(paint('dim', `the compose file is not used: ${status.withoutCompose}`));
  lines.push(paint('dim', renderTasks(status.tasks)));
  return lines.join('\n');
}

function renderComponent({ title, state, runner, url }: StackComponent, paint: Paint): readonly string[] {
  const mark = {
    running: paint('green', '✓'),
    failed: paint('red', '✗'),
    ended: paint('red', '✗'),
    missing: paint('yellow', '–'),
  }[state];
  const how = { source: 'from the source, live reload', native: 'native', compose: 'container' }[runner];
  const place = url === undefined ? paint(state === 'missing' ? 'yellow' : 'red', state) : paint('cyan', url);
  return [`${mark} ${title}`, place, state === 'missing' ? '' : paint('dim', how)];
}

function notes(title: string, detail: string | undefined, hint: string | undefined, paint: Paint): string[] {
  const first = `${paint('yellow', '!')} ${title}: ${detail ?? ''}`;
  return hint === undefined ? [first] : [first, `  ${paint('dim', `next: ${hint}`)}`];
}

function renderTasks(tasks: number | undefined): string {
  if (tasks === undefined)
    return 'tasks of the embedded AWS: it is not running; npm start, and Prometheus finds them by itself';
  return `tasks of the embedded AWS: Prometheus scrapes ${tasks === 0 ? 'none yet' : plural(tasks, 'task')}`;
}

/** One line, or several where something failed. @param now milliseconds since the epoch */
export function renderStackEvent(event: StackEvent, paint: Paint, now: number): string {
  switch (event.type) {
    case 'note':
      return `  ${event.text}`;
    case 'log':
      return renderLogLine(event.line, paint, now);
    case 'reload':
      return renderReload(event, paint);
  }
}

function renderReload({ outcome, ms, changed, output }: StackReload, paint: Paint): string {
  const files = renderFiles(changed);
  if (outcome === 'running') {
    const why = files === '' ? 'runs again' : `${files} changed, runs again`;
    return `${paint('green', '✓')} ${why} ${paint('dim', `after ${formatDuration(ms)}`)}`;
  }
  const what = {
    'build failed': 'does not build; the version before goes on',
    'start failed': 'does not start; the version before goes on',
    ended: 'ended by itself',
  }[outcome];
  const first = `${paint('red', '✗')} ${files === '' ? 'the app' : `with ${files} changed the app`} ${what}`;
  // What the app itself wrote stands right above, line by line; the last line says how it ended.
  const lines = outcome === 'build failed' ? output : output.slice(-1);
  return [first, ...lines.map((line) => `  ${line}`)].join('\n');
}

function renderFiles(changed: readonly string[]): string {
  const named = changed.slice(0, NAMED_FILES).join(', ');
  const more = changed.length - NAMED_FILES;
  return more > 0 ? `${named} and ${more} more` : named;
}
