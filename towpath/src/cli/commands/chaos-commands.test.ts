import { beforeEach, describe, expect, it } from 'vitest';
import { createMemoryCli, type MemoryCli } from '../../../test/fakes/memory-cli.ts';
import { TowpathError } from '../../domain/errors.ts';
import type { ProgressEvent } from '../../domain/progress.ts';
import { warnOfChaos } from '../chaos-warning.ts';

let cli: MemoryCli;
beforeEach(() => {
  cli = createMemoryCli();
  cli.localAws.running = true;
});
const chaos = (words: string) => cli.run('local', 'chaos', ...words.split(' ').filter(Boolean));

describe('local chaos ACTION', () => {
  it.each([
    ['zone-down us-east-1c --for 2m', { action: 'zone-down', zone: 'us-east-1c', forSeconds: 120 }],
    ['kill-task test', { action: 'kill-task', environment: 'test' }],
    ['freeze-task test --task 1a2b', { action: 'freeze-task', environment: 'test', task: '1a2b' }],
    ['fill-memory --task 1a2b --for 20s', { action: 'fill-memory', task: '1a2b', forSeconds: 20 }],
    ['interrupt-spot test --service web', { action: 'interrupt-spot', environment: 'test', service: 'web' }],
    [
      'fail-api ecs --action DescribeServices --share 0.3 --status 500 --seed 7',
      { action: 'fail-api', service: 'ecs', apiAction: 'DescribeServices', share: 0.3, status: 500, seed: 7 },
    ],
    ['slow-api s3 --delay 500ms', { action: 'slow-api', service: 's3', delayMs: 500 }],
    ['slow-api s3 --delay 2s', { action: 'slow-api', service: 's3', delayMs: 2_000 }],
    ['throttle-api ssm', { action: 'throttle-api', service: 'ssm' }],
    ['throttle-api ssm --per-second 0.5', { action: 'throttle-api', service: 'ssm', perSecond: 0.5 }],
    ['expire-credentials developer', { action: 'expire-credentials', identity: 'developer' }],
  ])('%s', async (words, request) => {
    const { exitCode, err } = await chaos(words);
    expect([exitCode, err]).toEqual([0, '']);
    expect(cli.localAws.chaosRequests).toEqual([request]);
  });

  it('says when it ends and how it is undone', async () => {
    const { out } = await chaos('zone-down us-east-1c');
    expect(out).toMatch(
      /^! zone-down has begun \(c1 zone-down, ends by itself in .*\)\nundo: towpath local chaos undo c1\n$/,
    );
    expect((await chaos('kill-task test')).out).toBe(
      '! kill-task has begun (c2, over at once; there is nothing to undo)\n',
    );
    expect((await chaos('zone-down us-east-1c --json')).json()).toMatchObject([
      { id: 'c3', action: 'zone-down' },
    ]);
  });

  it.each([
    ['zone-dwn us-east-1c --for 2m', 'no chaos action "zone-dwn"', 'did you mean "zone-down"?'],
    ['explode', 'there are: zone-down, kill-task', 'towpath local chaos --help'],
    ['zone-down', "missing required argument 'zone'", 'towpath local chaos zone-down --help'],
    [
      'slow-api s3',
      "required option '--delay <time>' not specified",
      'towpath local chaos slow-api s3 --delay',
    ],
    ['zone-down us-east-1c --fro 2m', "unknown option '--fro'", 'did you mean --for?'],
    ['kill-task test --for 2m', "unknown option '--for'", 'towpath local chaos kill-task --help'],
    [
      'zone-down us-east-1c --for soon',
      '--for must be such as 90s or 2m, got "soon"',
      'chaos zone-down --help',
    ],
    ['slow-api s3 --delay 5', '--delay must be such as 500ms or 3s, got "5"', 'chaos slow-api --help'],
    [
      'fail-api s3 --share most',
      '--share must be a number above 0 up to 1, got "most"',
      'chaos fail-api --help',
    ],
    ['undo', 'What is to be undone?', 'undo --all'],
    ['undo c1 --all', '--all or c1, not both', 'undo --all'],
  ])('usage: %s', async (words, message, hint) => {
    const { exitCode, err, out } = await chaos(words);
    expect([exitCode, out]).toEqual([2, '']);
    expect(err).toContain(message);
    expect(err).toContain(hint);
    expect(cli.localAws.chaosRequests).toEqual([]);
  });

  it('passes on why it was refused', async () => {
    cli.localAws.failChaos = new TowpathError('CHAOS_REFUSED', 'us-east-1c is down already.');
    expect(await chaos('zone-down us-east-1c')).toMatchObject({
      exitCode: 1,
      err: '✗ us-east-1c is down already.\n',
    });
  });

  it('has a help of its own, and one for each action', async () => {
    const help = await chaos('--help');
    expect(help.exitCode).toBe(0);
    for (const word of ['zone-down', 'interrupt-spot', 'undo', 'Everything ends by itself'])
      expect(help.out).toContain(word);
    expect((await chaos('fail-api --help')).out).toContain('--share <part>');
  });
});

describe('local chaos', () => {
  it('lists what is active, as the status does', async () => {
    expect((await chaos('')).out).toContain('nothing is broken on purpose');
    await chaos('fail-api ecs --share 0.5');
    const { out } = await chaos('');
    expect(out).toMatch(/ {2}c1 {2}fail-api {2}ecs share=0.5 {2}.* left {2}fail-api has begun\n/);
    expect(out).toContain('undo: towpath local chaos undo ID, or --all');
    expect((await chaos('--json')).json()).toMatchObject([{ active: [{ id: 'c1' }], ended: [] }]);
    expect((await cli.run('local', 'status')).out).toMatch(/broken on purpose \(.*\):\n {2}c1 {2}fail-api/);
  });

  it('undoes one or all', async () => {
    await chaos('throttle-api ssm');
    await chaos('throttle-api ecs');
    expect((await chaos('undo c1')).out).toBe('✓ c1 throttle-api: throttle-api has begun\n');
    expect((await chaos('undo --all --json')).json()).toMatchObject([
      { undone: [{ id: 'c2', ended: 'undone' }] },
    ]);
    expect((await chaos('undo --all')).out).toBe('nothing was broken on purpose\n');
  });

  it.each(['', 'kill-task test', 'undo --all'])(
    '%s without an embedded AWS names what starts it',
    async (words) => {
      cli.localAws.running = false;
      const { exitCode, err } = await chaos(words);
      expect([exitCode, err]).toEqual([1, '✗ The embedded AWS is not running.\n  next: towpath local up\n']);
    },
  );
});

describe('warnOfChaos', () => {
  const warnings = async () => {
    const events: ProgressEvent[] = [];
    await warnOfChaos(cli.localAws, { notify: (event) => void events.push(event) });
    return events;
  };

  it('speaks when something is broken on purpose, and never fails', async () => {
    expect(await warnings()).toEqual([]);
    await chaos('throttle-api ssm');
    expect(await warnings()).toEqual([
      {
        type: 'warning',
        text: 'the embedded AWS is broken on purpose: throttle-api (c1: throttle-api has begun)',
        hint: 'towpath local chaos undo --all',
      },
    ]);
    cli.localAws.chaos = () => Promise.reject(new Error('gone'));
    expect(await warnings()).toEqual([]);
  });
});
