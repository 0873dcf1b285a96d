/**
 * The embedded AWS as far as ECS Exec goes: gateway, ECS API, sessions and their websockets are real, and so are the
 * processes of commands; task processes and the control plane behind are played.
 */
import { spawn } from 'node:child_process';
import type { ControlPlane, ExecutedCommand, Overlay } from '../../../local-aws/src/contract.ts';
import { createWorld, serviceInput } from '../../../local-aws/src/ecs/test/world.ts';
import { createSessionDesk, sessionPathPrefix } from '../../../local-aws/src/exec/session-desk.ts';
import { startGateway } from '../../../local-aws/src/gateway/gateway-server.ts';
import { createMotoClient } from '../../../local-aws/src/gateway/moto-client.ts';
import { createExec } from '../../src/adapters/aws/exec/exec.ts';
import { createOneOff } from '../../src/adapters/aws/one-off.ts';
import { createSession } from '../../src/adapters/aws/session.ts';
import { environmentNames } from '../../src/domain/names.ts';
import type { ExecPort, OneOffPort } from '../../src/ports.ts';
import { sampleEnvironment, sampleProject } from '../fakes/sample-project.ts';

export interface ExecWorld {
  readonly endpoint: string;
  /** Commands that run now. */
  readonly running: Set<ExecutedCommand>;
  /** @param environment `test`; `dark`, which ECS Exec is off for; or one that is not there */
  exec(environment: string): ExecPort;
  /** ARN of a task of the environment. */
  task(environment: string): Promise<string>;
  oneOff(environment: string): OneOffPort;
  /** Lines in the log of every task. */
  readonly log: string[];
  /** AWS's time passes. */
  pass(ms: number): Promise<void>;
  /** Ends the tasks of RunTask that run this. */
  finish(command: readonly string[], exitCode: number): void;
  close(): Promise<void>;
}

export async function startExecWorld(): Promise<ExecWorld> {
  const log = () => undefined;
  const options = { region: 'us-east-1', accountId: '123456789012' };
  const gateway = await startGateway({ ...options, port: undefined, log });
  const desk = createSessionDesk({ endpoint: () => gateway.endpoint, log });
  const world = createWorld({ sessions: desk });
  const running = new Set<ExecutedCommand>();
  const lines: string[] = [];
  world.driver.execute = (command) => {
    const started = executeOnPipes(command);
    running.add(started);
    void started.exited.then(() => running.delete(started));
    return started;
  };
  const moto = createMotoClient('http://127.0.0.1:9');
  gateway.open({
    moto,
    regionalServices: new Set(['ecs']),
    motoFailure: () => undefined,
    overlays: [world.ecs.overlay, answerDefinitions(world.control), answerLogs(lines)],
    routes: [],
    upgrades: [{ prefix: sessionPathPrefix, upgrade: desk.upgrade }],
  });
  const definition = world.control.define('shop', 'registry/shop:one');
  world.control.clusters.add('shop-dark-ecs-cluster');
  for (const environment of ['test', 'dark']) {
    const { cluster, service: serviceName } = environmentNames('shop', environment);
    const desiredCount = environment === 'test' ? 2 : 1;
    const enableExecuteCommand = environment === 'test';
    const changes = { cluster, serviceName, desiredCount, enableExecuteCommand };
    await world.call('CreateService', serviceInput(definition, changes));
  }
  await world.clock.advance(60_000);

  const session = createSession({
    region: options.region,
    endpoint: gateway.endpoint,
    credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
  });
  return {
    endpoint: gateway.endpoint,
    running,
    exec(name) {
      const environment = sampleEnvironment(name, 0);
      return createExec({
        session,
        environment,
        project: { ...sampleProject([environment]), application: 'app' },
      });
    },
    oneOff(name) {
      const environment = sampleEnvironment(name, 0);
      return createOneOff({
        session,
        environment,
        project: { ...sampleProject([environment]), application: 'app' },
      });
    },
    log: lines,
    pass: (ms) => world.clock.advance(ms),
    finish(command, exitCode) {
      for (const process of world.driver.alive())
        if (process.spec.command?.join(' ') === command.join(' ')) process.exit({ exitCode });
    },
    async task(name) {
      const { cluster, service } = environmentNames('shop', name);
      const { taskArns } = await world.call<{ taskArns: string[] }>('ListTasks', {
        cluster,
        serviceName: service,
      });
      return taskArns[0] ?? '';
    },
    async close() {
      session.close();
      await desk.close();
      await gateway.close();
      await moto.close();
      for (const command of running) command.kill();
    },
  };
}

const answer = (body: object) => ({
  status: 200,
  headers: { 'content-type': 'application/x-amz-json-1.1' },
  body: JSON.stringify(body),
});

/** What the ECS API leaves to the control plane. */
function answerDefinitions(control: ControlPlane): Overlay {
  return {
    service: 'ecs',
    async handle(request) {
      if (request.action !== 'DescribeTaskDefinition') return undefined;
      return answer(await control.json('ecs', request.action, request.json()));
    },
  };
}

/** GetLogEvents with its tokens, which say the place to go on from. */
function answerLogs(lines: readonly string[]): Overlay {
  return {
    service: 'logs',
    async handle(request) {
      const from = Number(request.json().nextToken ?? 0);
      const events = lines.slice(from).map((message, index) => ({ message, timestamp: index }));
      return answer({ events, nextForwardToken: String(lines.length) });
    },
  };
}

/** As a driver does it where no terminal can be had. */
function executeOnPipes(command: string): ExecutedCommand {
  const child = spawn('/bin/sh', ['-c', `exec ${command}`], { stdio: 'pipe', detached: true });
  const exited = new Promise<{ exitCode: number | undefined; signal: undefined; reason: undefined }>(
    (resolve) => {
      child.once('close', (code) =>
        resolve({ exitCode: code ?? undefined, signal: undefined, reason: undefined }),
      );
    },
  );
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    exited,
    kill() {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
      process.kill(-child.pid, 'SIGKILL');
    },
  };
}
