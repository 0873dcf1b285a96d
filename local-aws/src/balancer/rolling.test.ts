import type http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Target } from '../contract.ts';
import { BalancerFixture, GROUP, until } from './balancer-fixture.ts';
import { startLoad } from './constant-load.ts';

let fixture: BalancerFixture;
beforeEach(() => {
  fixture = new BalancerFixture();
});
afterEach(() => fixture.close());

interface Stoppable {
  readonly target: Target;
  readonly name: string;
  /** As a task does on SIGTERM: no new connections, what is in flight finishes. */
  stop(): Promise<void>;
  /** As SIGKILL does. */
  kill(): void;
  readonly served: () => number;
}

async function startTask(name: string, answer: http.RequestListener): Promise<Stoppable> {
  let server: http.Server | undefined;
  let served = 0;
  const target = await fixture.target(
    (request, response) => {
      if (request.url === '/healthz') {
        response.end();
        return;
      }
      served += 1;
      answer(request, response);
    },
    (created) => {
      server = created;
    },
  );
  const owned = server;
  if (owned === undefined) throw new Error('the fixture made no server');
  return {
    target,
    name,
    served: () => served,
    stop: () =>
      new Promise((resolve) => {
        owned.close(() => resolve());
        owned.closeIdleConnections();
      }),
    kill: () => {
      owned.close();
      owned.closeAllConnections();
    },
  };
}

describe('rolling replacement', () => {
  it.each(['GET', 'POST'])('of every target under constant %s load loses no request', async (method) => {
    // 300 ms here: a request that is on its way may take long on a computer that is busy, and has to be there before the
    // target closes its idle connections.
    const url = await fixture.apply({ group: { deregistrationDelaySeconds: 30 } });
    const slowly: http.RequestListener = (request, response) => {
      request.resume();
      setTimeout(() => response.end('ok'), 5);
    };
    let tasks = await Promise.all(['a', 'b', 'c'].map((name) => startTask(name, slowly)));
    fixture.plane.register(
      GROUP,
      tasks.map(({ target }) => target),
    );
    for (const { target } of tasks) await fixture.reaches(target.id, 'healthy');

    const load = startLoad(url, { clients: 12, method });
    for (let round = 0; round < 2; round += 1) {
      const next: Stoppable[] = [];
      for (const old of tasks) {
        const fresh = await startTask(`${old.name}'`, slowly);
        fixture.plane.register(GROUP, [fresh.target]);
        await fixture.reaches(fresh.target.id, 'healthy');
        fixture.plane.deregister(GROUP, [old.target]);
        await fixture.reaches(old.target.id, undefined);
        await old.stop();
        next.push(fresh);
      }
      tasks = next;
    }
    // How many requests fit into a time says how busy the computer is, and nothing about the balancer.
    await until('the last tasks have served', () => tasks.every(({ served }) => served() > 0));
    await until('enough was asked', () => load.requests() > 100);
    expect((await load.stop()).failures).toEqual([]);
  });

  it('lets a slow request of a draining target finish, beyond the delay, and gives it no new one', async () => {
    const url = await fixture.apply({ group: { deregistrationDelaySeconds: 10 } }); // 100 ms here
    const old = await startTask('old', (_, response) => {
      response.write('first ');
      setTimeout(() => response.end('last'), 700);
    });
    fixture.plane.register(GROUP, [old.target]);
    await fixture.reaches(old.target.id, 'healthy');
    const slow = fetch(url);
    await expect.poll(() => old.served()).toBe(1);
    const fresh = await startTask('fresh', (_, response) => response.end('fresh'));
    fixture.plane.register(GROUP, [fresh.target]);
    fixture.plane.deregister(GROUP, [old.target]);
    for (let i = 0; i < 10; i += 1) expect(await (await fetch(url)).text()).toBe('fresh');
    await fixture.reaches(old.target.id, undefined);
    expect(await (await slow).text()).toBe('first last');
    expect(old.served()).toBe(1);
    await old.stop(); // no connection of the balancer keeps it open
  });

  it('answers 502 only for what a killed target was working on', async () => {
    const url = await fixture.apply();
    const victim = await startTask('victim', (request) => request.resume()); // never answers
    const other = await startTask('other', (request, response) =>
      request.resume().on('end', () => response.end()),
    );
    fixture.plane.register(GROUP, [victim.target, other.target]);
    await fixture.reaches(victim.target.id, 'healthy');
    await fixture.reaches(other.target.id, 'healthy');
    const both = [1, 2].map(() => fetch(url, { method: 'POST', body: 'x' }));
    await expect.poll(() => victim.served()).toBe(1);
    victim.kill();
    const statuses = (await Promise.all(both)).map(({ status }) => status);
    expect(statuses.sort()).toEqual([200, 502]);
    await fixture.reaches(victim.target.id, 'unhealthy');
    for (let i = 0; i < 6; i += 1) expect((await fetch(url)).status).toBe(200);
  });

  it('keeps connections and targets while the topology is applied again and again', async () => {
    const url = await fixture.apply();
    const task = await startTask('a', (_, response) => response.end());
    fixture.plane.register(GROUP, [task.target]);
    await fixture.reaches(task.target.id, 'healthy');
    const load = startLoad(url, { clients: 4 });
    for (let i = 0; i < 20; i += 1) {
      await fixture.apply({ idleTimeoutSeconds: 60 + (i % 2), check: { intervalSeconds: 5 + (i % 3) } });
      expect(fixture.state(task.target.id)).toBe('healthy');
      await sleep(10);
    }
    await until('enough was asked', () => load.requests() > 50);
    expect((await load.stop()).failures).toEqual([]);
  });
});
