import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  sampleDeployment,
  sampleDigest,
  sampleTask,
  stableSnapshot,
  startingSnapshot,
} from '../../../test/fakes/sample-snapshot.ts';
import { TowpathError } from '../../domain/errors.ts';
import type { ProgressEvent } from '../../domain/progress.ts';
import { createLiveView, type LiveOptions } from './live-view.ts';
import { createPaint, visibleLength } from './style.ts';

const B = sampleDigest('b');
const START_MS = Date.parse('2026-01-01T00:00:00Z');

/** A terminal as log-update leaves it: lines that stay, and one frame below them. */
function createScreen(columns: number | undefined = 120, colour = false) {
  let now = START_MS;
  let frame = '';
  let done = 0;
  const written = { out: '', err: '' };
  const frames: string[] = [];
  const redraw = Object.assign(
    (...text: string[]) => {
      frame = text.join(' ');
      frames.push(frame);
    },
    {
      clear() {
        frame = '';
      },
      done() {
        done += 1;
      },
      persist() {},
    },
  ) as LiveOptions['redraw'];
  const output = (stream: 'out' | 'err') => ({
    columns,
    write(text: string) {
      // What is printed while a frame stands would be drawn over.
      expect(frame).toBe('');
      written[stream] += text;
    },
  });
  const view = createLiveView({
    out: output('out'),
    err: output('err'),
    paint: createPaint(colour),
    redraw,
    now: () => now,
  });
  return {
    view,
    written,
    frames,
    frame: () => frame,
    done: () => done,
    pass(ms: number) {
      now += ms;
      vi.advanceTimersByTime(ms);
    },
    tell: (...events: readonly ProgressEvent[]) => {
      for (const event of events) view.notify(event);
    },
  };
}

const starts = (stage: string): ProgressEvent => ({ type: 'stage.start', stage });
const ends = (stage: string, outcome: 'done' | 'failed' = 'done'): ProgressEvent => ({
  type: 'stage.end',
  stage,
  ms: 2_000,
  outcome,
});
const resource = (
  address: string,
  state: 'started' | 'progress' | 'done' | 'failed',
  elapsedSeconds = 0,
): ProgressEvent => ({ type: 'terraform.resource', address, action: 'create', state, elapsedSeconds });

const planned = (count: number): ProgressEvent => ({
  type: 'terraform.plan',
  summary: {
    changes: Array.from({ length: count }, (_, index) => ({
      address: `aws_subnet.this[${index}]`,
      type: 'aws_subnet',
      action: 'create',
    })),
    outputsChanged: false,
    empty: false,
    drift: [],
  },
});

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('the frame of a live view', () => {
  it('shows each stage under way with its time, and goes when it ends', () => {
    const screen = createScreen();
    screen.tell(starts('build'), starts('terraform init'));
    screen.pass(3_000);
    expect(screen.frame()).toMatch(/^. build 3\.0 s\n. terraform init 3\.0 s$/);
    screen.tell(ends('build'));
    expect(screen.written.out).toBe('✓ build 2.0 s\n');
    expect(screen.frame()).toMatch(/^. terraform init 3\.0 s$/);
    screen.tell(ends('terraform init', 'failed'));
    expect(screen.written.out).toContain('✗ terraform init 2.0 s\n');
    expect(screen.frame()).toBe('');
  });

  it('turns while it waits', () => {
    const screen = createScreen();
    screen.tell(starts('plan'));
    screen.pass(1_000);
    expect(new Set(screen.frames.map((frame) => frame[0])).size).toBeGreaterThan(4);
  });

  it('shows resources with elapsed time, and how many are done', () => {
    const screen = createScreen();
    screen.tell(planned(12), starts('apply'));
    screen.tell(
      ...Array.from({ length: 10 }, (_, index) => resource(`aws_subnet.this[${index}]`, 'started')),
    );
    screen.pass(65_000);
    screen.tell(resource('aws_subnet.this[0]', 'done', 65));
    const lines = screen.frame().split('\n');
    expect(lines[0]).toMatch(/^. apply 1 min 5 s 1\/12 resources$/);
    expect(lines).toContain('  create aws_subnet.this[1] 1 min 5 s');
    expect(lines).not.toContain('  create aws_subnet.this[0] 1 min 5 s');
    expect(lines.at(-1)).toBe('  and 1 more');
    expect(lines).toHaveLength(1 + 8 + 1);
  });

  it('keeps a failed resource as a line', () => {
    const screen = createScreen();
    screen.tell(starts('apply'), resource('aws_lb.this', 'started'), resource('aws_lb.this', 'failed', 4));
    expect(screen.written.out).toBe('  ✗ create aws_lb.this 4 s\n');
    expect(screen.frame()).not.toContain('aws_lb.this');
  });

  it('shows the rollout: tasks by zone, health, which run the new image, the last service events', () => {
    const screen = createScreen();
    const snapshot = startingSnapshot(B, {
      running: 1,
      tasks: [sampleTask(1, B, { status: 'PENDING' }), sampleTask(0, sampleDigest('a'))],
      targets: stableSnapshot(sampleDigest('a')).targets,
      deployments: [sampleDeployment(B, { rolloutState: 'IN_PROGRESS', running: 0, failed: 2 })],
    });
    screen.tell(starts('apply'), { type: 'rollout', snapshot, requestedDigest: B });
    for (let index = 0; index < 6; index += 1)
      screen.tell({
        type: 'service.event',
        time: `2026-01-01T00:00:0${index}.000Z`,
        message: `event ${index}`,
      });
    const lines = screen.frame().split('\n');
    expect(lines[1]).toMatch(/in progress: 0\/1 running, 2 failed tasks$/);
    expect(lines[2]).toMatch(/us-east-1a {2}task00000000 {2}RUNNING {2}healthy {2}aaaaaaaaaaaa$/);
    expect(lines[3]).toMatch(/us-east-1b {2}task10000000 {2}PENDING {2}- {8}bbbbbbbbbbbb new$/);
    expect(lines.slice(4)).toEqual([
      '  00:00:02 event 2',
      '  00:00:03 event 3',
      '  00:00:04 event 4',
      '  00:00:05 event 5',
    ]);
  });

  it('forgets resources and rollout when the last stage ends', () => {
    const screen = createScreen();
    screen.tell(starts('apply'), resource('aws_lb.this', 'started'));
    screen.tell({ type: 'rollout', snapshot: stableSnapshot(B), requestedDigest: B }, ends('apply'));
    screen.tell(starts('verify'));
    expect(screen.frame()).toMatch(/^. verify 0\.0 s$/);
  });

  it.each([20, 40])('never is wider than %d columns, in colour too', (columns) => {
    const screen = createScreen(columns, true);
    screen.tell(
      starts('apply'),
      resource('module.load_balancer.aws_lb_listener_rule.this["https"]', 'started'),
    );
    screen.tell({ type: 'rollout', snapshot: stableSnapshot(B), requestedDigest: B });
    const widths = screen.frame().split('\n').map(visibleLength);
    expect(Math.max(...widths)).toBe(columns);
  });
});

describe('a live view', () => {
  it('writes what lasts above the frame', () => {
    const screen = createScreen();
    screen.tell(starts('plan'), { type: 'warning', text: 'look out', hint: 'there' });
    expect(screen.written.out).toBe('! look out\n  there\n');
    expect(screen.frame()).toContain('plan');
  });

  it('is still while a question is asked, and goes on afterwards', () => {
    const screen = createScreen();
    screen.tell(starts('deploy'));
    const resume = screen.view.pause();
    screen.pass(1_000);
    expect(screen.frame()).toBe('');
    resume();
    screen.pass(1_000);
    expect(screen.frame()).toContain('deploy');
  });

  it('ends with the result, or with the error on standard error, and draws no more', () => {
    for (const how of ['result', 'error'] as const) {
      const screen = createScreen();
      screen.tell(starts('apply'));
      if (how === 'result') screen.view.result({ json: {}, text: 'all is well' });
      else screen.view.error(new TowpathError('ABORTED', 'Interrupted.'), { verbose: false });
      screen.view.close();
      screen.pass(1_000);
      expect(screen.frame()).toBe('');
      expect(screen.done()).toBeGreaterThan(0);
      expect(screen.written).toEqual(
        how === 'result' ? { out: 'all is well\n', err: '' } : { out: '', err: '✗ Interrupted.\n' },
      );
    }
  });

  it('draws nothing for an event that comes after its end', () => {
    const screen = createScreen();
    screen.tell(starts('build'), starts('terraform init'));
    screen.view.error(new TowpathError('ABORTED', 'Interrupted.'), { verbose: false });
    screen.tell(ends('build'));
    expect(screen.frame()).toBe('');
  });
});
