/** What a task becomes for the engine: the container's settings, and what its end means. Pure. */
import { constants } from 'node:os';
import type { TaskExit, TaskSpec } from '../contract.ts';
import { OUT_OF_MEMORY } from './task-process.ts';

export const STATE_LABEL = 'towpath.local-aws.state';
const TASK_LABEL = 'towpath.local-aws.task';
const CPU_UNITS_PER_CORE = 1024;
const NANO = 1e9;
const BYTES_PER_MB = 1024 * 1024;
/** As of the process driver. */
const MAX_TASK_PROCESSES = 1024;
const SIGNAL_BASE = 128;

export interface ContainerPlace {
  readonly address: string;
  readonly port: number;
  readonly network: string;
  /** Where the container reaches the gateway, instead of at the address that other programs use. */
  readonly gateway: { readonly outside: string; readonly inside: string };
  /** Marks what belongs to one state directory. */
  readonly state: string;
}

export function decideContainer(spec: TaskSpec, image: string, place: ContainerPlace): object {
  const port = spec.containerPort === undefined ? undefined : `${spec.containerPort}/tcp`;
  const memory = spec.memoryMb * BYTES_PER_MB;
  return {
    Image: image,
    Hostname: `ip-${spec.privateIp.replaceAll('.', '-')}`,
    ...(spec.entryPoint !== undefined && spec.entryPoint.length > 0 && { Entrypoint: spec.entryPoint }),
    ...(spec.command !== undefined && spec.command.length > 0 && { Cmd: spec.command }),
    Env: decideContainerEnvironment(spec.environment, place.gateway),
    Labels: { [STATE_LABEL]: place.state, [TASK_LABEL]: spec.taskId },
    ...(port !== undefined && { ExposedPorts: { [port]: {} } }),
    // The load balancer asks; ECS ignores the image's own check.
    Healthcheck: { Test: ['NONE'] },
    HostConfig: {
      NanoCpus: Math.round((spec.cpuUnits / CPU_UNITS_PER_CORE) * NANO),
      Memory: memory,
      MemorySwap: memory, // both together: no swap
      PidsLimit: MAX_TASK_PROCESSES,
      NetworkMode: place.network,
      ...(port !== undefined && {
        PortBindings: { [port]: [{ HostIp: place.address, HostPort: String(place.port) }] },
      }),
      // The lines are read as they come; kept once more they would fill the engine's disk.
      LogConfig: { Type: 'none' },
    },
  };
}

/**
 * A container has a network of its own, so it listens on every address of it, as on Fargate: no HOST.
 * Whatever names the gateway is made to name it as the container sees it.
 */
export function decideContainerEnvironment(
  environment: Readonly<Record<string, string>>,
  gateway: ContainerPlace['gateway'],
): string[] {
  return Object.entries(environment)
    .filter(([name]) => name !== 'HOST')
    .map(([name, value]) => `${name}=${value.replaceAll(gateway.outside, gateway.inside)}`);
}

export function decideContainerExit(state: {
  readonly ExitCode?: number;
  readonly OOMKilled?: boolean;
}): TaskExit {
  const exitCode = state.ExitCode;
  const number = (exitCode ?? 0) - SIGNAL_BASE;
  const signal = Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
  return {
    exitCode,
    signal,
    reason: state.OOMKilled === true && exitCode !== 0 ? OUT_OF_MEMORY : undefined,
  };
}

/** The engine's message, and what to do about an image that was packed without an engine. */
export function decideStartMessage(message: string): string {
  const missing = /executable file not found in \$PATH|no such file or directory/.test(message);
  if (!missing) return message;
  return (
    `${message} (an image that was built without a container engine has the service's files and no base: ` +
    `build it again while the embedded AWS runs with --driver docker)`
  );
}
