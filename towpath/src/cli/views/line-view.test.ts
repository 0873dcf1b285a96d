import { describe, expect, it } from 'vitest';
import { sampleDigest, startingSnapshot } from '../../../test/fakes/sample-snapshot.ts';
import type { ProgressEvent } from '../../domain/progress.ts';
import { renderEvent } from './line-view.ts';
import { createPaint } from './style.ts';

const render = (event: ProgressEvent) => renderEvent(event, createPaint(false));

const resource = (
  state: 'started' | 'progress' | 'done' | 'failed',
  elapsedSeconds: number,
): ProgressEvent => ({
  type: 'terraform.resource',
  address: 'aws_lb.this',
  action: 'create',
  state,
  elapsedSeconds,
});

describe('an event as a line', () => {
  it.each<[string, ProgressEvent, string | undefined]>([
    ['a resource that starts is none', resource('started', 0), undefined],
    ['a resource under way is one every 30 s', resource('progress', 60), '  … create aws_lb.this 60 s'],
    ['a resource under way is none in between', resource('progress', 50), undefined],
    ['a resource that is made', resource('done', 71), '  ✓ create aws_lb.this 71 s'],
    ['a resource that fails', resource('failed', 3), '  ✗ create aws_lb.this 3 s'],
    ['a stage that starts', { type: 'stage.start', stage: 'plan' }, '→ plan'],
    [
      'a stage that ends',
      { type: 'stage.end', stage: 'plan', ms: 83_400, outcome: 'done', detail: 'r-1' },
      '✓ plan 1 min 23 s (r-1)',
    ],
    ['a warning', { type: 'warning', text: 'old', hint: 'renew it' }, '! old\n  renew it'],
    ['a note', { type: 'note', text: 'by the way' }, '  by the way'],
    [
      'a service event',
      { type: 'service.event', time: '2026-01-01T10:20:30.000Z', message: '(service x) has started 1 tasks' },
      '  10:20:30 (service x) has started 1 tasks',
    ],
    [
      'a rollout',
      { type: 'rollout', snapshot: startingSnapshot(sampleDigest('a')), requestedDigest: sampleDigest('a') },
      '  tasks 0/1 running · us-east-1a 1 pending · targets none',
    ],
    [
      'a release of a changed source',
      {
        type: 'release',
        image: `repository@${sampleDigest('a')}`,
        release: {
          id: 'r-0123456789ab',
          imageDigest: sampleDigest('a'),
          terraformHash: 'f'.repeat(64),
          sourceCommit: `${'c'.repeat(40)}-dirty`,
        },
      },
      '  release r-0123456789ab  image sha256:aaaaaaaaaaaa  commit cccccccccccc-dirty',
    ],
  ])('%s', (_what, event, line) => {
    expect(render(event)).toBe(line);
  });
});
