/**
 * A real load balancer in front of tasks: haproxy, which asks `/readyz` as an ALB does. It sends no request twice, so
 * that whatever the tasks lose is seen by the client. Needs haproxy on the PATH.
 */
import { spawn, spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../test/support/free-port.ts';
import { stopWithUs } from './stop-with-us.ts';

/** In a row, as the target groups of the infrastructure have it. */
const PROBES_TO_TURN_AWAY = 2;
const STATE_POLL_MS = 50;

export interface Haproxy {
  readonly origin: string;
  /** Resolves once requests are sent to this task; rejects after the limit. */
  untilUp(task: number, limitMs: number): Promise<void>;
  stop(): Promise<void>;
}

export function hasHaproxy(): boolean {
  return spawnSync('haproxy', ['-v']).status === 0;
}

function configuration(
  port: number,
  statsPort: number,
  taskPorts: readonly number[],
  probeIntervalMs: number,
): string {
  const tasks = taskPorts.map((taskPort, index) => `  server task${index} 127.0.0.1:${taskPort}`);
  return [
    'global',
    '  maxconn 4000',
    'defaults',
    '  mode http',
    '  retries 0',
    '  timeout connect 5s',
    '  timeout client 60s',
    '  timeout server 60s',
    'frontend clients',
    `  bind 127.0.0.1:${port}`,
    '  default_backend tasks',
    'frontend stats',
    `  bind 127.0.0.1:${statsPort}`,
    '  stats enable',
    '  stats uri /',
    'backend tasks',
    '  balance roundrobin',
    '  http-reuse safe',
    '  option httpchk GET /readyz',
    '  http-check expect status 200',
    `  default-server check inter ${probeIntervalMs}ms fall ${PROBES_TO_TURN_AWAY} rise 1`,
    ...tasks,
    '',
  ].join('\n');
}

/** Starts it in front of tasks that may not run yet. The caller stops it, whatever happens. */
export async function startHaproxy(taskPorts: readonly number[], probeIntervalMs: number): Promise<Haproxy> {
  const [port, statsPort] = [await freePort(), await freePort()];
  const folder = await mkdtemp(join(tmpdir(), 'towpath-haproxy-'));
  const file = join(folder, 'haproxy.cfg');
  await writeFile(file, configuration(port, statsPort, taskPorts, probeIntervalMs));
  const child = spawn('haproxy', ['-db', '-q', '-f', file], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const forget = stopWithUs(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    origin: `http://127.0.0.1:${port}`,
    async untilUp(task, limitMs) {
      const deadline = performance.now() + limitMs;
      while (performance.now() < deadline) {
        // The 18th column is the state: https://docs.haproxy.org/2.6/management.html#9.1
        const table = await fetch(`http://127.0.0.1:${statsPort}/;csv`).then(
          (response) => response.text(),
          () => '',
        );
        const row = table.split('\n').find((line) => line.startsWith(`tasks,task${task},`));
        if (row?.split(',')[17]?.startsWith('UP') === true) return;
        await sleep(STATE_POLL_MS);
      }
      throw new Error(`haproxy sent no requests to task ${task} within ${limitMs} ms`);
    },
    async stop() {
      forget();
      child.kill('SIGKILL');
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}
