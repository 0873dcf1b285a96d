/**
 * What the final stage of a Dockerfile says about how its container runs, as an OCI image configuration.
 * Only for builds without an engine: nothing is run or copied, and what the base image itself sets is not known.
 */

import { createRequire } from 'node:module';
import { posix } from 'node:path';
import type { Dockerfile, Instruction, PropertyInstruction } from 'dockerfile-ast';
import { expandWord } from './expand-word.ts';

/** The `config` of an OCI image (image-spec, config.md), in its own spelling. */
export interface ContainerConfig {
  readonly Env: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly WorkingDir: string;
  readonly User?: string;
  readonly ExposedPorts?: Readonly<Record<string, Record<string, never>>>;
  readonly StopSignal?: string;
}

/** Search path of a container whose base image is not known; Docker's own default. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

interface Stage {
  readonly environment: Map<string, string>;
  readonly buildArguments: Map<string, string>;
  shell: readonly string[];
  workingDirectory: string;
  entrypoint: readonly string[] | undefined;
  command: readonly string[] | undefined;
  user: string | undefined;
  stopSignal: string | undefined;
  readonly ports: Set<string>;
}

/** @throws {Error} when the text has no FROM, naming what is missing */
export async function readImageConfig(text: string): Promise<ContainerConfig> {
  // A UMD module that hides its exports from bundlers and from `import`; only `require` sees them.
  const load = createRequire(import.meta.url);
  const { DockerfileParser } = load('dockerfile-ast') as typeof import('dockerfile-ast');
  return renderConfig(finalStage(DockerfileParser.parse(text)));
}

function finalStage(dockerfile: Dockerfile): Stage {
  const globals = new Map<string, string>();
  const stages = new Map<string, Stage>();
  let current: Stage | undefined;
  let count = 0;
  for (const instruction of dockerfile.getInstructions()) {
    if (instruction.getKeyword() === 'FROM') {
      const words = wordsOf(instruction).filter((word) => !word.startsWith('--'));
      const base = stages.get(expandWord(words[0] ?? '', globals).toLowerCase());
      current = base === undefined ? newStage() : inherit(base);
      const name = words[1]?.toLowerCase() === 'as' ? words[2]?.toLowerCase() : undefined;
      // A later stage may name this one by its name or by its place.
      stages.set(String(count), current);
      if (name !== undefined) stages.set(name, current);
      count += 1;
    } else if (current === undefined) {
      if (instruction.getKeyword() === 'ARG') readArgument(instruction, globals, globals);
    } else {
      applyInstruction(instruction, current, globals);
    }
  }
  if (current === undefined) throw new Error('it has no FROM instruction');
  return current;
}

function newStage(): Stage {
  return {
    environment: new Map(),
    buildArguments: new Map(),
    shell: ['/bin/sh', '-c'],
    workingDirectory: '/',
    entrypoint: undefined,
    command: undefined,
    user: undefined,
    stopSignal: undefined,
    ports: new Set(),
  };
}

/** Build arguments end with their stage; everything else goes on. */
function inherit(base: Stage): Stage {
  return {
    ...base,
    environment: new Map(base.environment),
    buildArguments: new Map(),
    ports: new Set(base.ports),
  };
}

function applyInstruction(
  instruction: Instruction,
  stage: Stage,
  globals: ReadonlyMap<string, string>,
): void {
  const content = (instruction.getArgumentsContent() ?? '').trim();
  // ENV wins over ARG of the same name (Dockerfile reference, ARG).
  const variables = new Map([...stage.buildArguments, ...stage.environment]);
  const expanded = (): string => expandWord(content, variables);
  switch (instruction.getKeyword()) {
    case 'ARG':
      readArgument(instruction, stage.buildArguments, globals);
      return;
    case 'ENV':
      for (const [name, value] of propertiesOf(instruction))
        stage.environment.set(name, expandWord(value, variables));
      return;
    case 'WORKDIR':
      stage.workingDirectory = posix.resolve(stage.workingDirectory, expanded());
      return;
    case 'USER':
      stage.user = expanded();
      return;
    case 'EXPOSE':
      for (const port of expanded().split(/\s+/)) stage.ports.add(port.includes('/') ? port : `${port}/tcp`);
      return;
    case 'STOPSIGNAL':
      stage.stopSignal = expanded();
      return;
    case 'SHELL':
      stage.shell = parseExecForm(content) ?? stage.shell;
      return;
    case 'CMD':
      stage.command = parseExecForm(content) ?? [...stage.shell, content];
      return;
    case 'ENTRYPOINT':
      stage.entrypoint = parseExecForm(content) ?? [...stage.shell, content];
      return;
    default:
  }
}

/** The JSON form of a command; undefined for the shell form. */
function parseExecForm(content: string): readonly string[] | undefined {
  if (!content.startsWith('[')) return undefined;
  try {
    const words: unknown = JSON.parse(content);
    return Array.isArray(words) && words.every((word) => typeof word === 'string') ? words : undefined;
  } catch {
    return undefined; // Docker, too, takes a malformed list for a shell command.
  }
}

function readArgument(
  instruction: Instruction,
  into: Map<string, string>,
  globals: ReadonlyMap<string, string>,
): void {
  for (const [name, value] of propertiesOf(instruction)) {
    const known = new Map([...globals, ...into]);
    into.set(name, value === '' ? (globals.get(name) ?? '') : expandWord(value, known));
  }
}

function propertiesOf(instruction: Instruction): readonly (readonly [string, string])[] {
  if (!('getProperties' in instruction)) return [];
  return (instruction as PropertyInstruction)
    .getProperties()
    .map((property) => [property.getName(), property.getUnescapedValue() ?? '']);
}

function wordsOf(instruction: Instruction): readonly string[] {
  return (instruction.getArgumentsContent() ?? '').trim().split(/\s+/);
}

function renderConfig(stage: Stage): ContainerConfig {
  const environment = new Map([['PATH', DEFAULT_PATH], ...stage.environment]);
  return {
    Env: [...environment].map(([name, value]) => `${name}=${value}`),
    ...(stage.entrypoint === undefined ? {} : { Entrypoint: stage.entrypoint }),
    ...(stage.command === undefined ? {} : { Cmd: stage.command }),
    WorkingDir: stage.workingDirectory,
    ...(stage.user === undefined ? {} : { User: stage.user }),
    ...(stage.ports.size === 0
      ? {}
      : { ExposedPorts: Object.fromEntries([...stage.ports].sort().map((port) => [port, {}])) }),
    ...(stage.stopSignal === undefined ? {} : { StopSignal: stage.stopSignal }),
  };
}
