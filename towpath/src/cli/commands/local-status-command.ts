/** `local status`: environments and tasks of the embedded AWS, what is broken on purpose, and what is kept. */
import type { LocalAwsStatus } from '../../actions/index.ts';
import type { CommandBody } from '../session.ts';
import { type Paint, renderTable } from '../views/style.ts';
import { renderChaos } from './chaos-commands.ts';
import { notRunning } from './local-commands.ts';

/** One call of the journal made again, where no start with at least so many has measured it. */
const CALL_MS = 5;
const MEASURED_CALLS = 500;
/** Beyond this a start is slow enough to tell how it gets fast again. */
const LONG_START_MS = 15_000;
const BYTES_PER_MB = 1_000_000;

export function localStatusCommand(): CommandBody {
  return async ({ context, globals, paint }) => {
    const status = await (await context.openLocalAws(globals)).status();
    if (!status) throw notRunning();
    return { json: { ...status }, text: renderStatus(status, paint, context.now()) };
  };
}

function renderStatus(status: LocalAwsStatus, paint: Paint, now: number): string {
  const lines = [
    `embedded AWS at ${paint('cyan', status.endpoint)}, speed ${status.speed}${status.driver === undefined ? '' : `, driver ${status.driver}`}, pid ${status.pid}, since ${status.startedAt}`,
  ];
  for (const environment of status.environments) {
    lines.push(
      '',
      `${paint('bold', environment.name)} ${environment.running}/${environment.desired} tasks ${environment.url === undefined ? '' : paint('cyan', environment.url)}`,
    );
    lines.push(
      renderTable(
        environment.tasks.map((task) => [
          task.zone,
          task.id.slice(0, 12),
          task.lastStatus,
          task.health ?? '-',
          task.address,
        ]),
        '  ',
      ),
    );
  }
  if (status.environments.length === 0) lines.push('no environment runs a service yet');
  if (status.chaos !== undefined && status.chaos.length > 0)
    lines.push(
      '',
      paint('yellow', 'broken on purpose (towpath local chaos):'),
      renderChaos(status.chaos, paint, now),
    );
  if (status.journal !== undefined) lines.push('', ...renderJournal(status.journal, status.restored, paint));
  return lines.join('\n');
}

/** It grows with everything that was ever made, also what is gone by now. */
function renderJournal(
  { calls, bytes }: NonNullable<LocalAwsStatus['journal']>,
  restored: LocalAwsStatus['restored'],
  paint: Paint,
): readonly string[] {
  const measured = restored !== undefined && restored.calls >= MEASURED_CALLS;
  const startMs = calls * (measured ? restored.ms / restored.calls : CALL_MS);
  const size = `${calls} calls, ${(bytes / BYTES_PER_MB).toFixed(1)} MB`;
  const lines = [`kept: ${size}; the next start makes them again, in about ${Math.ceil(startMs / 1_000)} s`];
  if (startMs > LONG_START_MS)
    lines.push(
      `${paint('yellow', '!')} towpath local down --purge forgets them, with all that the embedded AWS holds`,
    );
  return lines;
}
