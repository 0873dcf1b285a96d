/** A real Redis on loopback that keeps nothing. Needs redis-server on the PATH. */
import { type ChildProcess, spawn } from 'node:child_process';

export const REDIS_PASSWORD = 'hunter3-hunter3';

/** The caller ends it. */
export function startRedis(port: number): ChildProcess {
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--requirepass', REDIS_PASSWORD];
  return spawn('redis-server', args, { stdio: 'ignore' });
}

export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}
