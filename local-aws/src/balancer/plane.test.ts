import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ListenerAction } from '../contract.ts';
import { BALANCER, BalancerFixture, GROUP, groupOf, topologyOf, until } from './balancer-fixture.ts';
import { derivePort } from './local-ports.ts';

let fixture: BalancerFixture;
beforeEach(() => {
  fixture = new BalancerFixture();
});
afterEach(() => fixture.close());

describe('health checks', () => {
  it('[alb.first-pass] calls a new target healthy on its first pass, and tells of it', async () => {
    const seen: { url: string | undefined; agent: string | undefined; connection: string | undefined }[] = [];
    const changes: string[] = [];
    fixture.plane.onChange((arn) => changes.push(`${arn === GROUP} ${fixture.state('10.251.7.1')}`));
    await fixture.apply();
    const target = await fixture.target((request, response) => {
      const { 'user-agent': agent, connection } = request.headers;
      seen.push({ url: request.url, agent, connection });
      response.end();
    });
    const from = Date.now();
    fixture.plane.register(GROUP, [target]);
    expect(fixture.plane.health(GROUP)[0]?.reason).toMatch(/^Elb\./);
    await fixture.reaches(target.id, 'healthy');
    expect(Date.now() - from).toBeLessThan(500);
    expect(seen[0]).toEqual({ url: '/healthz', agent: 'ELB-HealthChecker/2.0', connection: 'close' });
    expect(changes).toEqual(['true initial', 'true healthy']);
  });

  it('[alb.healthy-threshold] follows a target through illness and recovery, with the reason', async () => {
    let status = 200;
    await fixture.apply();
    const target = await fixture.target((_, response) => response.writeHead(status).end());
    fixture.plane.register(GROUP, [target]);
    await fixture.reaches(target.id, 'healthy');
    status = 404;
    await fixture.reaches(target.id, 'unhealthy');
    expect(fixture.plane.health(GROUP)[0]).toMatchObject({
      reason: 'Target.ResponseCodeMismatch',
      description: 'Health checks failed with these codes: [404]',
    });
    status = 200;
    await fixture.reaches(target.id, 'healthy');
  });

  it('tells a timeout from a refused connection', async () => {
    await fixture.apply({ check: { timeoutSeconds: 0.1 } });
    const silent = await fixture.target(() => {});
    const refused = { ...(await fixture.target(() => {})), dial: { address: '127.251.7.250', port: 9 } };
    fixture.plane.register(GROUP, [silent, refused]);
    await fixture.reaches(silent.id, 'unhealthy');
    await fixture.reaches(refused.id, 'unhealthy');
    expect(fixture.plane.health(GROUP).map(({ reason }) => reason)).toEqual([
      'Target.Timeout',
      'Target.FailedHealthChecks',
    ]);
  });
});

it('gives a program that still starts its time, however fast AWS runs', async () => {
  const patient = new BalancerFixture({ startAllowanceMs: 600 });
  try {
    await patient.apply();
    const late = await patient.target((_, response) => response.writeHead(ready ? 200 : 503).end());
    const never = await patient.target((_, response) => response.writeHead(503).end());
    let ready = false;
    patient.plane.register(GROUP, [late, never]);
    await sleep(300); // six intervals; two failures would do on AWS
    expect([patient.state(late.id), patient.state(never.id)]).toEqual(['initial', 'initial']);
    ready = true;
    await patient.reaches(late.id, 'healthy');
    await patient.reaches(never.id, 'unhealthy');
  } finally {
    await patient.close();
  }
});

describe('targets', () => {
  it('[alb.draining-shown] drain for the whole delay though idle, then are gone; a second registration ends the draining', async () => {
    await fixture.apply({ group: { deregistrationDelaySeconds: 30 } });
    const target = await fixture.target((_, response) => response.end());
    fixture.plane.register(GROUP, [target]);
    await fixture.reaches(target.id, 'healthy');
    fixture.plane.deregister(GROUP, [target]);
    expect(fixture.plane.health(GROUP)).toMatchObject([
      { state: 'draining', reason: 'Target.DeregistrationInProgress' },
    ]);
    fixture.plane.register(GROUP, [target]);
    expect(fixture.state(target.id)).toBe('initial');
    expect(fixture.plane.health(GROUP)).toHaveLength(1);
    await sleep(400); // the timer of the first deregistration is gone
    expect(fixture.state(target.id)).toBe('healthy');

    const from = Date.now();
    fixture.plane.deregister(GROUP, [target]);
    await fixture.reaches(target.id, undefined);
    expect(Date.now() - from).toBeGreaterThanOrEqual(290);
  });

  it('are unused until a listener forwards to their group', async () => {
    const target = await fixture.target((_, response) => response.end());
    fixture.plane.register(GROUP, [target]); // before the group is known
    const fixed: ListenerAction = {
      type: 'fixed-response',
      statusCode: 404,
      contentType: 'text/plain',
      body: 'no',
    };
    await fixture.apply({ action: fixed });
    expect(fixture.plane.health(GROUP)).toMatchObject([{ state: 'unused', reason: 'Target.NotInUse' }]);
    const url = await fixture.apply();
    await fixture.reaches(target.id, 'healthy');
    expect((await fetch(url)).status).toBe(200);
    await fixture.apply({ action: fixed });
    expect(fixture.state(target.id)).toBe('unused');
  });

  it('leave with their group', async () => {
    await fixture.apply();
    const target = await fixture.target((_, response) => response.end());
    fixture.plane.register(GROUP, [target]);
    await fixture.plane.apply({ loadBalancers: [], targetGroups: [] });
    expect(fixture.plane.health(GROUP)).toEqual([]);
  });
});

describe('ports', () => {
  it('are stable, reserved before the listener exists, and the next one when taken', async () => {
    const wanted = derivePort(fixture.basePort, 'web');
    const holder = createServer().listen(wanted, '127.0.0.1');
    await new Promise((resolve) => holder.once('listening', resolve));
    try {
      const reserved = await fixture.plane.reservePort('web');
      expect(reserved).toBeGreaterThan(wanted);
      expect(reserved).toBeLessThan(wanted + 10); // others may be taken as well
      expect(await fixture.plane.reservePort('web')).toBe(reserved);
      expect(fixture.plane.localPort(BALANCER, 80)).toBeUndefined();
      await expect(fetch(`http://127.0.0.1:${reserved}`)).rejects.toThrow('fetch failed');
      await fixture.plane.apply({ loadBalancers: [], targetGroups: [] }); // still being created
      expect(await fixture.apply()).toBe(`http://127.0.0.1:${reserved}`);
    } finally {
      holder.close();
    }
  });

  it('of a redirecting load balancer lead to the local port of its 443 listener, whichever came first', async () => {
    const https = {
      arn: `${BALANCER}/443`,
      port: 443,
      protocol: 'HTTPS',
      defaultAction: { type: 'forward', targets: [{ targetGroupArn: GROUP, weight: 1 }] },
    } as const;
    const { loadBalancers } = topologyOf();
    const onlyHttps = loadBalancers.map((one) => ({ ...one, listeners: [https] }));
    await fixture.plane.apply({ loadBalancers: onlyHttps, targetGroups: [groupOf()] });
    const first = await fixture.plane.reservePort('web');
    expect(fixture.plane.localPort(BALANCER, 443)).toBe(first);

    const target = await fixture.target((request, response) =>
      response.end(String(request.headers['x-forwarded-proto'])),
    );
    fixture.plane.register(GROUP, [target]);
    const action = {
      type: 'redirect',
      statusCode: 301,
      protocol: 'HTTPS',
      port: '443',
      host: '#{host}',
      path: '/#{path}',
      query: '#{query}',
    } as const;
    const url = await fixture.apply({ action, further: [https] });
    expect(url).toBe(`http://127.0.0.1:${first}`);
    const second = fixture.plane.localPort(BALANCER, 443);
    expect(second).not.toBe(first);
    const answer = await fetch(`${url}/x?y=1`, { redirect: 'manual' });
    expect(answer.status).toBe(301);
    expect(answer.headers.get('location')).toBe(`http://127.0.0.1:${second}/x?y=1`);
    expect(await (await fetch(`${url}/x?y=1`)).text()).toBe('https');
  });

  it('are given back when the load balancer goes, and when the plane closes', async () => {
    const url = await fixture.apply();
    expect((await fetch(url)).status).toBe(503);
    await fixture.plane.apply({ loadBalancers: [], targetGroups: [groupOf()] });
    await expect(fetch(url)).rejects.toThrow('fetch failed');
    await fixture.apply();
    expect((await fetch(url)).status).toBe(503);
    await fixture.plane.close();
    await expect(fetch(url)).rejects.toThrow('fetch failed');
    await expect(fixture.apply()).rejects.toThrow('closed');
  });

  it('refuses a topology with a malformed matcher as a whole', async () => {
    await fixture.apply();
    await expect(fixture.apply({ check: { matcher: 'abc' } })).rejects.toThrow('"abc"');
    await until('still there', () => fixture.plane.localPort(BALANCER, 80) !== undefined);
  });
});
