import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Target } from '../contract.ts';
import { probeTarget } from './health-probe.ts';

const server = createServer((_, response) => response.end('fine'));
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => new Promise((resolve) => server.close(resolve)));

const target = (reachable?: () => boolean): Target => ({
  id: '10.0.1.7',
  port: 5000,
  zone: 'us-east-1a',
  dial: { address: '127.0.0.1', port: (server.address() as AddressInfo).port },
  ...(reachable ? { reachable } : {}),
});
const check = { path: '/', timeoutMs: 80, matches: (status: number) => status === 200 };
/** For what must answer, on a computer that is busy with other things. */
const patientCheck = { ...check, timeoutMs: 5_000 };

it('a closed security group lets nothing through, and no sooner than the timeout', async () => {
  const signal = new AbortController().signal;
  expect(await probeTarget(target(), patientCheck, signal)).toEqual({ ok: true });
  const started = performance.now();
  expect(
    await probeTarget(
      target(() => false),
      check,
      signal,
    ),
  ).toEqual({ ok: false, reason: 'timeout' });
  expect(performance.now() - started).toBeGreaterThan(70);
});

it('is asked at every check: a group that opens lets the next one through', async () => {
  let open = false;
  const signal = new AbortController().signal;
  const behind = target(() => open);
  expect(await probeTarget(behind, check, signal)).toMatchObject({ ok: false });
  open = true;
  expect(await probeTarget(behind, patientCheck, signal)).toEqual({ ok: true });
});

it('ends with the signal', async () => {
  const abort = new AbortController();
  const probing = probeTarget(
    target(() => false),
    { ...check, timeoutMs: 60_000 },
    abort.signal,
  );
  abort.abort();
  expect(await probing).toEqual({ ok: false, reason: 'timeout' });
});
