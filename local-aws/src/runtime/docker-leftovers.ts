/**
 * What a killed run leaves in a container engine, which knows nothing of our end: containers and their network, found by
 * a label. A file in the state directory names the engine for as long as there may be some.
 */
import { createHash } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writePrivateFile } from '../state/private-file.ts';
import { STATE_LABEL } from './docker-container.ts';
import { DockerEngine, EngineError } from './docker-engine.ts';

const FILE = 'docker-engine.json';
const VALUE_HEX = 12;
const REMOVE_TIMEOUT_MS = 30_000;

const recorded = z.object({ socketPath: z.string().min(1) });

/** The label's value: one engine may serve several embedded AWSs. */
export function stateValueOf(stateDir: string): string {
  return createHash('sha256').update(stateDir).digest('hex').slice(0, VALUE_HEX);
}

export function networkNameOf(stateValue: string): string {
  return `towpath-${stateValue}`;
}

/** Before the first container. */
export function recordEngine(stateDir: string, socketPath: string): void {
  writePrivateFile(join(stateDir, FILE), { socketPath });
}

/** After the last one was removed. */
export function forgetEngine(stateDir: string): void {
  rmSync(join(stateDir, FILE), { force: true });
}

export class ContainersLeftError extends Error {
  readonly code = 'LOCAL_CONTAINERS_LEFT';
  readonly hint: string;
  constructor(stateDir: string, socketPath: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(
      `A killed run has left containers in the engine at ${socketPath}, which does not remove them: ${why}`,
    );
    this.hint = `start that engine, then try again; if it is gone for good, remove ${join(stateDir, FILE)}`;
    this.cause = cause;
  }
}

/**
 * Ends the containers of a run that was killed. Does nothing where the file names no engine.
 * @returns how many there were
 * @throws ContainersLeftError when the engine does not answer
 */
export async function removeLeftContainers(stateDir: string): Promise<number> {
  const socketPath = readRecorded(stateDir);
  if (socketPath === undefined) return 0;
  const engine = new DockerEngine(socketPath);
  const state = stateValueOf(stateDir);
  try {
    const removed = await removeLabelled(engine, `${STATE_LABEL}=${state}`);
    await engine.call({ method: 'DELETE', path: `/networks/${networkNameOf(state)}` }).catch(unlessAbsent);
    forgetEngine(stateDir);
    return removed;
  } catch (error) {
    throw new ContainersLeftError(stateDir, socketPath, error);
  }
}

/** Containers that carry the label, in whatever state. @returns how many were removed */
export async function removeLabelled(engine: DockerEngine, label: string): Promise<number> {
  const filters = JSON.stringify({ label: [label] });
  const found = await engine.call<{ Id: string }[]>({
    method: 'GET',
    path: '/containers/json',
    query: { all: '1', filters },
  });
  for (const { Id } of found) {
    const query = { force: '1', v: '1' };
    await engine
      .call({ method: 'DELETE', path: `/containers/${Id}`, query, timeoutMs: REMOVE_TIMEOUT_MS })
      .catch(unlessAbsent);
  }
  return found.length;
}

function unlessAbsent(error: unknown): void {
  if (!(error instanceof EngineError && error.status === 404)) throw error;
}

function readRecorded(stateDir: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(join(stateDir, FILE), 'utf8');
  } catch {
    return undefined;
  }
  try {
    return recorded.parse(JSON.parse(text)).socketPath;
  } catch {
    // Written in one piece: what is malformed is not ours, and names nothing.
    return undefined;
  }
}
