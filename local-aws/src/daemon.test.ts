/** The program as a process: what it prints, writes and leaves behind, whatever ends it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  AttachInternetGatewayCommand,
  CreateInternetGatewayCommand,
  CreateRouteCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  DescribeRouteTablesCommand,
  EC2Client,
} from '@aws-sdk/client-ec2';
import { CreateRepositoryCommand, ECRClient } from '@aws-sdk/client-ecr';
import {
  CreateClusterCommand,
  DescribeTasksCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
  RunTaskCommand,
} from '@aws-sdk/client-ecs';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { bundleProgram } from './bundle-fixture.ts';
import type { DaemonInfo } from './daemon.ts';
import { findFreePort } from './free-port.ts';
import { decideLiveness, type ProcessIdentity } from './state/process-identity.ts';

const startTimeoutMs = 30_000;
const endTimeoutMs = 15_000;
const testTimeoutMs = 60_000;

interface Line {
  readonly type: string;
  readonly message?: string;
  readonly hint?: string;
}

const bundleFolder = mkdtempSync(join(tmpdir(), 'local-aws-bundle-'));
let program = '';
let stateDir = '';
const started: ChildProcess[] = [];

beforeAll(async () => {
  program = await bundleProgram(bundleFolder);
});
afterAll(() => rmSync(bundleFolder, { recursive: true, force: true }));
beforeEach(() => {
  stateDir = mkdtempSync(join(tmpdir(), 'local-aws-daemon-'));
});
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
  rmSync(stateDir, { recursive: true, force: true });
});

interface Running {
  readonly child: ChildProcess;
  /** All lines so far. */
  readonly lines: Line[];
  readonly exit: Promise<number | null>;
}

function run(args: readonly string[], environment: NodeJS.ProcessEnv = process.env): Running {
  const child = spawn(process.execPath, [program, ...args], {
    env: environment,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  started.push(child);
  const lines: Line[] = [];
  let rest = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    const parts = (rest + chunk).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts.map((line) => JSON.parse(line) as Line));
  });
  const exit = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  return { child, lines, exit };
}

async function start(
  ...args: string[]
): Promise<Running & { readonly info: DaemonInfo; readonly moto: ProcessIdentity }> {
  const port = await findFreePort();
  const running = run(['--state-dir', stateDir, '--speed', '50', '--port', String(port), ...args]);
  await expect.poll(() => running.lines[0]?.type, { timeout: startTimeoutMs }).toBeDefined();
  expect(running.lines[0]).toMatchObject({ type: 'ready' });
  const [moto] = readState<ProcessIdentity[]>('children.json');
  if (moto === undefined) throw new Error('moto is not registered');
  return { ...running, info: readState<DaemonInfo>('local.json'), moto };
}

function readState<T>(name: string): T {
  return JSON.parse(readFileSync(join(stateDir, name), 'utf8')) as T;
}

async function expectGone(...processes: ProcessIdentity[]): Promise<void> {
  await expect
    .poll(() => processes.map(decideLiveness), { timeout: endTimeoutMs })
    .toEqual(processes.map(() => 'gone'));
}

function expectCleanState(): void {
  for (const name of ['local.json', 'identities.json', 'children.json', 'daemon.lock']) {
    expect([name, existsSync(join(stateDir, name))]).toEqual([name, false]);
  }
}

test(
  'starts, keeps others away, and goes without a trace on SIGHUP',
  async () => {
    const { child, info, moto, exit } = await start();
    expect(info).toMatchObject({ pid: child.pid, speed: 50, region: 'us-east-1', accountId: '123456789012' });
    expect(await (await fetch(`${info.endpoint}/_local/status`)).json()).toMatchObject({
      ...info,
      driver: expect.stringMatching(/^process \((?:cgroup v[12] limits|measured)\)$/),
      environments: [],
    });
    for (const name of ['local.json', 'identities.json'])
      expect(statSync(join(stateDir, name)).mode & 0o777).toBe(0o600);
    expect(Object.keys(readState('identities.json'))).toEqual(['developer', 'reviewer']);

    const second = run(['--state-dir', stateDir]);
    expect(await second.exit).toBe(1);
    expect(second.lines[0]?.message).toContain(`process ${child.pid}, it answers on ${info.endpoint}`);
    const third = run(['--state-dir', join(stateDir, 'other'), '--port', new URL(info.endpoint).port]);
    expect(await third.exit).toBe(1);
    expect(third.lines).toMatchObject([
      {
        type: 'error',
        message: expect.stringContaining(new URL(info.endpoint).port),
        hint: expect.stringContaining('--port'),
      },
    ]);

    child.kill('SIGHUP');
    expect(await exit).toBe(0);
    await expectGone(moto);
    expectCleanState();
  },
  testTimeoutMs,
);

test(
  'ends with its parent',
  async () => {
    const { child, moto, exit } = await start('--exit-with-parent');
    child.stdin?.end();
    expect(await exit).toBe(0);
    await expectGone(moto);
    expectCleanState();
  },
  testTimeoutMs,
);

test(
  'ends when asked over HTTP',
  async () => {
    const { info, exit, moto } = await start();
    expect((await fetch(`${info.endpoint}/_local/stop`, { method: 'POST' })).status).toBe(202);
    expect(await exit).toBe(0);
    await expectGone(moto);
  },
  testTimeoutMs,
);

test(
  'a moto that dies ends it with the reason',
  async () => {
    const { exit, lines, moto } = await start();
    process.kill(moto.pid, 'SIGKILL');
    expect(await exit).toBe(1);
    expect(lines[1]).toMatchObject({
      type: 'error',
      message: expect.stringContaining('SIGKILL'),
      hint: expect.any(String),
    });
    expectCleanState();
  },
  testTimeoutMs,
);

test(
  'killed, it leaves neither moto nor tasks; the next one starts',
  async () => {
    const { child, info, exit } = await start();
    await runSleepingTask(info);
    const children = readState<ProcessIdentity[]>('children.json');
    expect(children.length).toBeGreaterThanOrEqual(2);
    child.kill('SIGKILL');
    await exit;
    await expectGone(...children);
    const next = await start();
    next.child.kill('SIGTERM');
    expect(await next.exit).toBe(0);
    await expectGone(next.moto, ...children);
  },
  testTimeoutMs,
);

test.each([
  ['no state directory', [], '--state-dir'],
  ['an unknown option', ['--state-dir', 'x', '--sped', '2'], '--sped'],
  ['an impossible speed', ['--state-dir', 'x', '--speed', '0'], '"0"'],
  ['an impossible port', ['--state-dir', 'x', '--port', '70000'], '"70000"'],
  ['no region', ['--state-dir', 'x', '--region', 'mars'], '"mars"'],
])('usage: %s', async (_name, args, message) => {
  const { exit, lines } = run(args);
  expect(await exit).toBe(2);
  expect(lines).toMatchObject([{ type: 'error', message: expect.stringContaining(message) }]);
});

test('without moto the command that installs it is named', async () => {
  const { exit, lines } = run(['--state-dir', stateDir], { PATH: dirname(stateDir) });
  expect(await exit).toBe(1);
  expect(lines[0]?.hint).toContain('pip install');
  expectCleanState();
});

/** One task of an image that only its configuration makes up: it runs a program of this computer. */
async function runSleepingTask(info: DaemonInfo): Promise<void> {
  const client = {
    endpoint: info.endpoint,
    region: info.region,
    credentials: { accessKeyId: 't', secretAccessKey: 't' },
    maxAttempts: 1,
  };
  await new ECRClient(client).send(new CreateRepositoryCommand({ repositoryName: 'sleeper' }));
  await pushSleeper(`${info.endpoint}/v2/sleeper`);
  const ec2 = new EC2Client(client);
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: '10.77.0.0/16' }));
  const subnet = new CreateSubnetCommand({
    VpcId: Vpc?.VpcId,
    CidrBlock: '10.77.1.0/24',
    AvailabilityZone: 'us-east-1a',
  });
  const { Subnet } = await ec2.send(subnet);
  await openToInternet(ec2, Vpc?.VpcId);
  const ecs = new ECSClient(client);
  await ecs.send(new CreateClusterCommand({ clusterName: 'c' }));
  await ecs.send(
    new RegisterTaskDefinitionCommand({
      family: 'sleeper',
      networkMode: 'awsvpc',
      requiresCompatibilities: ['FARGATE'],
      cpu: '256',
      memory: '512',
      containerDefinitions: [
        { name: 'main', image: '123456789012.dkr.ecr.us-east-1.amazonaws.com/sleeper:1', essential: true },
      ],
    }),
  );
  const awsvpcConfiguration = { subnets: [Subnet?.SubnetId ?? ''], assignPublicIp: 'ENABLED' as const };
  const ran = await ecs.send(
    new RunTaskCommand({
      cluster: 'c',
      taskDefinition: 'sleeper',
      launchType: 'FARGATE',
      networkConfiguration: { awsvpcConfiguration },
    }),
  );
  const tasks = [ran.tasks?.[0]?.taskArn ?? ''];
  const status = async () =>
    (await ecs.send(new DescribeTasksCommand({ cluster: 'c', tasks }))).tasks?.[0]?.lastStatus;
  await expect.poll(status, { timeout: startTimeoutMs }).toBe('RUNNING');
}

/** A way to the image registry, which every task needs. */
async function openToInternet(ec2: EC2Client, VpcId: string | undefined): Promise<void> {
  const { InternetGateway } = await ec2.send(new CreateInternetGatewayCommand({}));
  const InternetGatewayId = InternetGateway?.InternetGatewayId;
  await ec2.send(new AttachInternetGatewayCommand({ VpcId, InternetGatewayId }));
  const filter = { Name: 'vpc-id', Values: [VpcId ?? ''] };
  const { RouteTables } = await ec2.send(new DescribeRouteTablesCommand({ Filters: [filter] }));
  await ec2.send(
    new CreateRouteCommand({
      RouteTableId: RouteTables?.[0]?.RouteTableId,
      DestinationCidrBlock: '0.0.0.0/0',
      GatewayId: InternetGatewayId,
    }),
  );
}

async function pushSleeper(base: string): Promise<void> {
  const pushBlob = async (content: Buffer) => {
    const digest = `sha256:${createHash('sha256').update(content).digest('hex')}`;
    const pushed = await fetch(`${base}/blobs/uploads/?digest=${digest}`, { method: 'POST', body: content });
    expect(pushed.status).toBe(201);
    return { digest, size: content.length };
  };
  const platform = { architecture: 'amd64', os: 'linux' };
  const config = Buffer.from(
    JSON.stringify({ ...platform, config: { Cmd: ['sleep', '300'], WorkingDir: '/' } }),
  );
  // Two blocks of zeros end an archive without entries.
  const layer = Buffer.alloc(1024);
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: { mediaType: 'application/vnd.oci.image.config.v1+json', ...(await pushBlob(config)) },
    layers: [{ mediaType: 'application/vnd.oci.image.layer.v1.tar', ...(await pushBlob(layer)) }],
  };
  const put = await fetch(`${base}/manifests/1`, { method: 'PUT', body: JSON.stringify(manifest) });
  expect(put.status).toBe(201);
}
