/** The driver that runs the tasks: containers where an engine is to run them, else processes. */
import type { TaskDriver } from '../contract.ts';
import { createDockerDriver, type DockerDriverOptions } from './docker-driver.ts';
import type { DockerEngine } from './docker-engine.ts';
import { createProcessDriver, type ProcessDriverOptions } from './process-driver.ts';

/** @param engine undefined for processes */
export function createTaskDriver(
  engine: DockerEngine | undefined,
  options: Omit<DockerDriverOptions, 'engine'> & ProcessDriverOptions,
): TaskDriver {
  return engine === undefined ? createProcessDriver(options) : createDockerDriver({ ...options, engine });
}
