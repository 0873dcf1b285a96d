import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decideCgroupLayouts, decideLimitFiles, parseKeyedNumber } from './cgroup-layout.ts';
import { openTaskGroups, writeLimits } from './cgroups.ts';
import {
  alive,
  type MemoryLogSink,
  openProcessDriver,
  type ProcessDriverFixture,
  specOf,
  until,
} from './driver-fixture.ts';
import { decideMemberCommand, spawnMember } from './spawn-member.ts';

const V1_MOUNTS = `
25 20 0:20 / /sys/fs/cgroup rw - tmpfs tmpfs rw
26 25 0:21 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
27 25 0:22 /docker/abc /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
28 25 0:23 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids`;
const V1_OWN = '4:memory:/docker/abc/job\n3:cpu,cpuacct:/\n2:pids:/a/b\n';

describe('decideCgroupLayouts', () => {
  it('version 1: the own folder of each controller, as the mounts show them', () => {
    expect(decideCgroupLayouts({ cgroup: V1_OWN, mountinfo: V1_MOUNTS })).toEqual([
      {
        version: 1,
        candidates: [
          {
            cpu: '/sys/fs/cgroup/cpu,cpuacct',
            cpuacct: '/sys/fs/cgroup/cpu,cpuacct',
            memory: '/sys/fs/cgroup/memory/job',
            pids: '/sys/fs/cgroup/pids/a/b',
          },
        ],
      },
    ]);
  });
  it('version 2: upwards from the own folder', () => {
    const mountinfo = '30 25 0:24 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw';
    const [layout] = decideCgroupLayouts({ cgroup: '0::/user.slice/app.scope\n', mountinfo });
    expect(layout?.version).toBe(2);
    expect(layout?.candidates.map(({ memory }) => memory)).toEqual([
      '/sys/fs/cgroup/user.slice/app.scope',
      '/sys/fs/cgroup/user.slice',
      '/sys/fs/cgroup',
    ]);
  });
  it('none where a controller is missing, or where the own folder lies outside', () => {
    const mountinfo = V1_MOUNTS.split('\n').slice(0, -1).join('\n');
    expect(decideCgroupLayouts({ cgroup: V1_OWN, mountinfo })).toEqual([]);
    expect(decideCgroupLayouts({ cgroup: '', mountinfo: '' })).toEqual([]);
  });
});

it('decideLimitFiles: shares of a core, bytes, processes', () => {
  const folders = { cpu: 'c', cpuacct: 'c', memory: 'm', pids: 'p' };
  const limits = { cpuUnits: 256, memoryMb: 512, processes: 99 };
  const content = (version: 1 | 2) =>
    Object.fromEntries(decideLimitFiles(version, folders, limits).map((one) => [one.file, one.content]));
  expect(content(1)).toEqual({
    'c/cpu.cfs_period_us': '100000',
    'c/cpu.cfs_quota_us': '25000',
    'm/memory.limit_in_bytes': '536870912',
    'm/memory.memsw.limit_in_bytes': '536870912',
    'p/pids.max': '99',
  });
  expect(content(2)).toEqual({
    'c/cpu.max': '25000 100000',
    'm/memory.max': '536870912',
    'm/memory.swap.max': '0',
    'p/pids.max': '99',
  });
});

describe('writeLimits', () => {
  const folders = { cpu: 'c', cpuacct: 'c', memory: 'm', pids: 'p' };
  const files = decideLimitFiles(1, folders, { cpuUnits: 2048, memoryMb: 512, processes: 99 });
  const refuse = (part: string, code: string, written: string[]) => (file: unknown) => {
    if (String(file).includes(part)) throw Object.assign(new Error(code), { code });
    written.push(String(file));
  };

  it('keeps the other limits where a group above leaves less CPU', () => {
    const written: string[] = [];
    writeLimits(files, refuse('quota', 'EINVAL', written));
    expect(written).toEqual(['c/cpu.cfs_period_us', 'm/memory.limit_in_bytes', 'p/pids.max']);
  });

  it.each([
    ['quota', 'EACCES'],
    ['pids.max', 'EINVAL'],
  ])('of which %s fails with %s is an error', (part, code) => {
    expect(() => writeLimits(files, refuse(part, code, []))).toThrow(code);
  });
});

it('parseKeyedNumber', () => {
  expect(parseKeyedNumber('low 1\noom 3\noom_kill 2\n', 'oom_kill')).toBe(2);
  expect(parseKeyedNumber('', 'oom_kill')).toBe(0);
});

it('decideMemberCommand: joins first, then is tied to us, then is the program', () => {
  const options = { program: 'node', args: ['a b'], setpriv: '/setpriv', environment: {} };
  expect(decideMemberCommand({ ...options, groups: [] })).toEqual({
    program: '/setpriv',
    args: ['--pdeathsig', 'KILL', '--', 'node', 'a b'],
  });
  const { program, args } = decideMemberCommand({ ...options, groups: ['g1', 'g2'] });
  expect(program).toBe('/bin/sh');
  expect(args.slice(2, 7)).toEqual(['sh', 'g1', 'g2', '--', 'unset']);
  expect(args.slice(7)).toEqual(['/setpriv', '--pdeathsig', 'KILL', '--', 'node', 'a b']);
});

/** Whether this computer lets us make groups decides what of the rest can be proven on it. */
const probeDir = path.join(tmpdir(), `cgroups-probe-${process.pid}`);
const probe = openTaskGroups(probeDir, () => {});
const onLinux = process.platform === 'linux' && probe !== undefined;

describe.runIf(onLinux)('in a control group', () => {
  let fixture: ProcessDriverFixture;
  let stateDir: string;
  let logs: MemoryLogSink;
  beforeEach(async () => {
    fixture = await openProcessDriver('cgroups');
    ({ stateDir, logs } = fixture);
  });
  afterEach(() => fixture.close());
  const startTask: ProcessDriverFixture['start'] = (...given) => fixture.start(...given);
  const groupsLeft = (): string[] =>
    (openTaskGroups(stateDir, () => {})?.folders ?? []).flatMap((folder) =>
      existsSync(folder) ? readdirSync(folder) : [],
    );

  it('says so, and adds nothing to the variables of a task', async () => {
    expect(fixture.driver.description).toMatch(/^process \(cgroup v[12] limits\)$/);
    const task = await startTask('console.log(Object.keys(process.env).sort().join())');
    await task.exited;
    expect(logs.messages[0]?.split(',').filter((name) => name !== 'LANG')).toEqual(['HOME', 'HOST', 'PATH']);
  });

  it('a task that wants a whole core gets its share, and usage tells it', async () => {
    const task = await startTask(`console.log('up'); for (;;);`, { cpuUnits: 256, stopTimeoutSeconds: 0 });
    await until('up', logs.says('up'));
    task.usage();
    await sleep(1500);
    const { cpuUnits } = task.usage();
    expect(cpuUnits).toBeGreaterThan(60);
    expect(cpuUnits).toBeLessThan(300);
  });

  it('a memory eater is killed by the kernel, and the reason says so', async () => {
    const task = await startTask(
      'const kept = []; setInterval(() => kept.push(Buffer.alloc(64 * 1024 * 1024, 1)), 10);',
      { memoryMb: 256 },
    );
    expect(await task.exited).toEqual({
      exitCode: 137,
      signal: 'SIGKILL',
      reason: 'OutOfMemoryError: Container killed due to memory usage',
    });
    expect(groupsLeft()).toEqual([]);
  });

  it('a fork bomb reaches its bound, and all of it is gone after the stop', async () => {
    const task = await startTask(
      `import { spawn } from 'node:child_process';
       let made = 0;
       for (let i = 0; i < 1500; i++) {
         const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
         child.on('error', () => {});
         if (child.pid) made++;
       }
       console.log('made ' + made); setInterval(() => {}, 1000);`,
      { cpuUnits: 2048, memoryMb: 2048, stopTimeoutSeconds: 0.2 },
    );
    await until('the bomb has gone off', logs.says('made '), 30_000);
    const made = Number(logs.messages.find((line) => line.startsWith('made '))?.slice(5));
    expect(made).toBeGreaterThan(500);
    expect(made).toBeLessThan(1024);
    await task.stop();
    expect(groupsLeft()).toEqual([]);
  }, 60_000);

  it('a child that leaves session and parent does not outlive the first process', async () => {
    const script = 'echo pid $$; sleep 600 & wait';
    const task = await startTask(
      `import { spawn } from 'node:child_process';
       spawn('sh', ['-c', "setsid sh -c '${script}' &"], { stdio: 'inherit', detached: true });
       setTimeout(() => process.exit(4), 800);`,
    );
    await until('its pid', () => logs.pids.length === 1);
    expect((await task.exited).exitCode).toBe(4);
    expect(groupsLeft()).toEqual([]);
    await until('init has taken note', () => !alive(logs.pids[0] ?? 0));
  });

  it('what a killed run left is ended at the next start', async () => {
    const before = openTaskGroups(stateDir, () => {});
    const group = before?.create('left', { cpuUnits: 256, memoryMb: 64, processes: 10 });
    const { child, pid } = await spawnMember({
      program: 'sleep',
      args: ['600'],
      setpriv: undefined,
      workingDirectory: '/',
      environment: { PATH: process.env.PATH ?? '' },
      groups: group?.joinFiles ?? [],
      stdin: 'ignore',
    });
    await until('it joined', () => group?.pids().includes(pid) === true);
    const ended = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
    expect(await openTaskGroups(stateDir, () => {})?.leftoversRemoved).toEqual(['left']);
    expect(await ended).toBe('SIGKILL');
    expect(existsSync(path.dirname(group?.joinFiles[0] ?? '/'))).toBe(false);
  });

  it('limits that can not be set are measured, and the task runs', async () => {
    const spec = specOf('x');
    for (const folder of openTaskGroups(stateDir, () => {})?.folders ?? []) {
      mkdirSync(path.join(folder, spec.taskId), { recursive: true });
    }
    const task = await startTask(`console.log('up'); setInterval(() => {}, 1000)`, { taskId: spec.taskId });
    await until('up', logs.says('up'));
    expect(task.usage().memoryMb).toBeGreaterThan(10);
  });
});

describe.runIf(process.platform === 'linux')('where no group can be made', () => {
  it('limits are measured: a memory eater ends, and a child that left the session does not outlive a kill', async () => {
    const { driver, logs, start, close } = await openProcessDriver('measured', { groups: 'none' });
    try {
      expect(driver.description).toBe('process (measured)');
      const eater = await start(
        'const kept = []; setInterval(() => kept.push(Buffer.alloc(20 * 1024 * 1024, 1)), 50);',
        { memoryMb: 200 },
      );
      expect((await eater.exited).reason).toBe('OutOfMemoryError: Container killed due to memory usage');
      const parent = await start(
        `import { spawn } from 'node:child_process';
         const { pid } = spawn('sleep', ['600'], { detached: true });
         console.log('pid ' + pid); setInterval(() => {}, 1000);`,
        { memoryMb: 200 },
      );
      await until('its child', () => logs.pids.length === 1);
      parent.freeze(true);
      parent.kill();
      expect((await parent.exited).exitCode).toBe(137);
      await until('the child is gone', () => !alive(logs.pids[0] ?? 0));
    } finally {
      await close();
    }
  });
});
