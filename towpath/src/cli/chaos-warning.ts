/** Tells whoever works on the embedded AWS that something in it is broken on purpose, so that nobody wonders. */
import type { LocalAwsPort, Notifier } from '../actions/index.ts';

/** Never fails: a command must not break for the sake of its warning. */
export async function warnOfChaos(localAws: Pick<LocalAwsPort, 'chaos'>, notifier: Notifier): Promise<void> {
  const list = await localAws.chaos().catch(() => undefined);
  if (list === undefined || list.active.length === 0) return;
  const what = list.active.map(({ id, action, did }) => `${action} (${id}: ${did.summary})`).join(', ');
  notifier.notify({
    type: 'warning',
    text: `the embedded AWS is broken on purpose: ${what}`,
    hint: 'towpath local chaos undo --all',
  });
}
