import { describe, expect, it } from 'vitest';
import { isExpectedWarning, parseTerraformLine, summarisePlan } from './terraform-events.ts';

const line = (value: unknown) => parseTerraformLine(JSON.stringify({ '@level': 'info', ...Object(value) }));
const hook = (type: string, more: Record<string, unknown> = {}) =>
  line({
    type,
    hook: { resource: { addr: 'module.network.aws_vpc.this' }, action: 'create', ...more },
  });
const plannedChange = (action: string, type = 'aws_vpc') =>
  line({
    type: 'planned_change',
    change: { resource: { addr: `${type}.this`, resource_type: type }, action },
  });

describe('a line of Terraform', () => {
  it.each([
    ['apply_start', undefined, 'started', 0],
    ['apply_progress', 10, 'progress', 10],
    ['apply_complete', 12, 'done', 12],
    ['apply_errored', 3, 'failed', 3],
  ])('%s is progress of a resource', (type, elapsed, state, elapsedSeconds) => {
    expect(hook(type, { elapsed_seconds: elapsed })).toEqual({
      kind: 'progress',
      event: {
        type: 'terraform.resource',
        address: 'module.network.aws_vpc.this',
        action: 'create',
        state,
        elapsedSeconds,
      },
    });
  });

  it.each(['create', 'update', 'delete', 'replace', 'read', 'import', 'move'])(
    'planned_change of %s is a change',
    (action) => {
      expect(plannedChange(action)).toEqual({
        kind: 'change',
        change: { address: 'aws_vpc.this', type: 'aws_vpc', action },
      });
    },
  );

  it.each([
    ['tainted', { tainted: true }],
    ['cannot_update', {}],
  ])('a replacement because of %s says so where it matters', (reason, marks) => {
    const resource = { addr: 'aws_ecs_service.this', resource_type: 'aws_ecs_service' };
    expect(line({ type: 'planned_change', change: { resource, action: 'replace', reason } })).toEqual({
      kind: 'change',
      change: { address: 'aws_ecs_service.this', type: 'aws_ecs_service', action: 'replace', ...marks },
    });
  });

  it('spells noop as Towpath does', () => {
    expect(plannedChange('noop')).toMatchObject({ change: { action: 'no-op' } });
  });

  it('resource_drift is drift', () => {
    const drift = line({
      type: 'resource_drift',
      change: { resource: { addr: 'aws_lb.this', resource_type: 'aws_lb' }, action: 'update' },
    });
    expect(drift).toEqual({
      kind: 'drift',
      change: { address: 'aws_lb.this', type: 'aws_lb', action: 'update' },
    });
  });

  it.each([
    [{ url: { action: 'noop' }, name: { action: 'noop' } }, false],
    [{ url: { action: 'update' }, name: { action: 'noop' } }, true],
    [{ url: { value: 'http://x' } }, false],
  ])('outputs %j change: %s', (outputs, changed) => {
    expect(line({ type: 'outputs', outputs })).toEqual({ kind: 'outputs', changed });
  });

  it('knows the task definition that an apply ended with', () => {
    const outputs = { task_definition_arn: { sensitive: false, type: 'string', value: 'arn:task:3' } };
    expect(line({ type: 'outputs', outputs })).toMatchObject({ taskDefinition: 'arn:task:3' });
  });

  it('diagnostic keeps severity, words and place', () => {
    expect(
      line({
        type: 'diagnostic',
        diagnostic: {
          severity: 'error',
          summary: 'No quota',
          detail: 'Ask for more.',
          address: 'aws_lb.this',
        },
      }),
    ).toEqual({
      kind: 'diagnostic',
      diagnostic: {
        severity: 'error',
        summary: 'No quota',
        detail: 'Ask for more.',
        address: 'aws_lb.this',
      },
    });
  });

  it.each([
    ['text', 'Releasing state lock. This may take a few moments...'],
    ['an empty line', ''],
    ['a message of another type', '{"type":"version","terraform":"1.11.4"}'],
    ['a read during an apply', '{"type":"apply_start","hook":{"action":"read"}}'],
    ['cut-off JSON', '{"type":"planned_ch'],
    ['JSON that is no object: null', 'null'],
    ['JSON that is no object: a number', '42'],
    ['JSON that is no object: a string', '"text"'],
  ])('that is %s is something else, never an error', (_what, text) => {
    expect(parseTerraformLine(text)).toEqual({ kind: 'other' });
  });
});

describe('summarisePlan', () => {
  it('is empty when nothing but reads and no-ops are planned', () => {
    expect(summarisePlan([plannedChange('noop'), plannedChange('read'), { kind: 'other' }])).toEqual({
      changes: [],
      drift: [],
      outputsChanged: false,
      empty: true,
    });
  });

  it('is not empty for a changed resource, nor for a changed output alone', () => {
    expect(summarisePlan([plannedChange('update')])).toMatchObject({ empty: false });
    expect(summarisePlan([{ kind: 'outputs', changed: true }])).toMatchObject({ empty: false, changes: [] });
  });

  it('drift alone is no change', () => {
    const drift = { address: 'aws_lb.this', type: 'aws_lb', action: 'update' } as const;
    expect(summarisePlan([{ kind: 'drift', change: drift }])).toMatchObject({ empty: true, drift: [drift] });
  });
});

describe('isExpectedWarning', () => {
  const deprecation = {
    severity: 'warning',
    summary: 'Deprecated Parameter',
    detail: 'The parameter "dynamodb_table" is deprecated. Use parameter "use_lockfile" instead.',
    address: undefined,
  } as const;

  it.each([
    ['the lock table', deprecation, true],
    ['another parameter', { ...deprecation, detail: 'The parameter "role" is deprecated.' }, false],
    ['another warning', { ...deprecation, summary: 'Argument is deprecated' }, false],
    ['an error', { ...deprecation, severity: 'error' as const }, false],
  ])('for %s', (_what, diagnostic, expected) => {
    expect(isExpectedWarning(diagnostic)).toBe(expected);
  });
});
