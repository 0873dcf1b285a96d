/** How the tasks of every driver are ended: asked first, killed when they take too long. */
import type { TaskExit } from '../contract.ts';

interface StoppableTask {
  signalStop(): void;
  kill(): void;
}

export async function stopTask(
  task: StoppableTask,
  exited: Promise<TaskExit>,
  withinMs: number,
): Promise<TaskExit> {
  task.signalStop();
  const late = setTimeout(() => task.kill(), withinMs);
  return exited.finally(() => clearTimeout(late));
}
