import { describe, expect, it } from 'vitest';
import { decideFault, type Fault, parseFault } from './fault.ts';
import { FaultRegistry } from './fault-registry.ts';

function setUp() {
  const scheduled: { delayMs: number; action: () => void }[] = [];
  const effects: string[] = [];
  const registry = new FaultRegistry({
    now: () => 0,
    random: () => 0.5,
    schedule: (delayMs, action) => scheduled.push({ delayMs, action }),
    startEffect: ({ kind }) => {
      effects.push(`start ${kind}`);
      return () => effects.push(`stop ${kind}`);
    },
  });
  return { registry, scheduled, effects };
}

const delay: Fault = { kind: 'delay', forSeconds: 10, settings: { milliseconds: 200, percent: 100 } };
const status: Fault = { kind: 'status', forSeconds: 10, settings: { status: 503, percent: 50 } };

describe('FaultRegistry', () => {
  it('ends a fault by itself', () => {
    const { registry, scheduled, effects } = setUp();
    registry.start(delay);
    expect(registry.list()).toEqual([
      { kind: 'delay', settings: delay.settings, endsAt: '1970-01-01T00:00:10.000Z' },
    ]);
    expect(scheduled[0]?.delayMs).toBe(10_000);
    scheduled[0]?.action();
    expect(registry.list()).toEqual([]);
    expect(effects).toEqual(['start delay', 'stop delay']);
  });

  it('does not end the successor of a fault that was replaced', () => {
    const { registry, scheduled } = setUp();
    registry.start(delay);
    registry.start(delay);
    scheduled[0]?.action();
    expect(registry.isActive('delay')).toBe(true);
    registry.stopAll();
    expect(registry.list()).toEqual([]);
  });

  it('decides for a request by chance', () => {
    const { registry } = setUp();
    expect(registry.decide()).toEqual({ delayMs: 0, status: undefined });
    registry.start(delay);
    registry.start(status);
    expect(registry.decide()).toEqual({ delayMs: 200, status: undefined });
    expect(decideFault(undefined, status, 0.49)).toEqual({ delayMs: 0, status: 503 });
  });
});

describe('parseFault', () => {
  it('has a default for everything', () => {
    expect(parseFault('cpu', Buffer.alloc(0))).toEqual({
      ok: true,
      value: { kind: 'cpu', forSeconds: 60, settings: { percent: 80 } },
    });
  });

  it.each([
    ['{"forSeconds":601}', 422],
    ['{"percent":0}', 422],
    ['{"percent":"all"}', 422],
    ['{"unknown":1}', 400],
    ['[]', 400],
    ['{', 400],
  ])('rejects %s with %i', (body, expected) => {
    expect(parseFault('cpu', Buffer.from(body))).toMatchObject({ ok: false, problem: { status: expected } });
  });
});
