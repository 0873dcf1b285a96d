/** Commands inside a container, through the engine: ECS Exec, and the filler of memory. */
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import type { CommandOptions, ExecutedCommand, TaskExit } from '../contract.ts';
import { parseCommandWords } from './command-words.ts';
import { decideContainerExit } from './docker-container.ts';
import { type DockerEngine, EngineError } from './docker-engine.ts';
import { pipeFrames } from './docker-frames.ts';
import { messageOf } from './resolve-image.ts';

const NOT_EXECUTABLE = 126;
const KILLED = 137;
const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;
const MARGIN_MB = 64;
const FILL_TIMEOUT_MS = 60_000;
/** The engine has no way to end a command: a variable tells which processes are its. */
const MARK = 'TOWPATH_COMMAND';
const KILL_MARKED = `for folder in /proc/[0-9]*; do
  if grep -qa "$1" "$folder/environ" 2>/dev/null; then kill -9 "\${folder#/proc/}" 2>/dev/null; fi
done`;
/** Holds the memory until its input closes. The first process is to go first, and not this one, as with a leak. */
const FILL = `echo 1000 > /proc/1/oom_score_adj
{ head -c "$1" /dev/zero; cat; } | tail -n 1 > /dev/null`;

export function executeInContainer(
  engine: DockerEngine,
  container: string,
  line: string,
  options: CommandOptions,
): ExecutedCommand {
  const words = parseCommandWords(line);
  if (words === undefined) {
    return runInContainer(
      engine,
      container,
      [],
      options,
      `the command has a quote that is not closed: ${line}`,
    );
  }
  return runInContainer(
    engine,
    container,
    words,
    options,
    words.length === 0 ? 'the command is empty' : undefined,
  );
}

/** Bounded in size by the limit and a margin, in time by its own. */
export function fillContainer(engine: DockerEngine, container: string, memoryMb: number): { stop(): void } {
  const bytes = String((memoryMb + MARGIN_MB) * 1024 * 1024);
  const command = runInContainer(engine, container, ['sh', '-c', FILL, 'sh', bytes], {}, undefined);
  const late = setTimeout(() => command.stdin.end(), FILL_TIMEOUT_MS);
  void command.exited.then(() => clearTimeout(late));
  command.stdout.resume();
  command.stderr?.resume();
  return { stop: () => command.stdin.end() };
}

function runInContainer(
  engine: DockerEngine,
  container: string,
  words: readonly string[],
  options: CommandOptions,
  problem: string | undefined,
): ExecutedCommand {
  const tty = options.tty === true;
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  const stderr = tty ? undefined : new PassThrough();
  const mark = randomUUID();
  let id: string | undefined;
  const run = async (): Promise<TaskExit> => {
    try {
      if (problem !== undefined) throw new Error(problem);
      id = await createCommand(engine, container, words, mark, tty);
      const socket = await engine.attach(`/exec/${id}/start`, {}, { Detach: false, Tty: tty });
      if (tty) resize(options.columns ?? DEFAULT_COLUMNS, options.rows ?? DEFAULT_ROWS);
      return await connect(engine, id, socket, { stdin, stdout, stderr });
    } catch (error) {
      const message = messageOf(error);
      (stderr ?? stdout).write(`${message}\n`);
      stdout.end();
      stderr?.end();
      return { exitCode: NOT_EXECUTABLE, signal: undefined, reason: message };
    }
  };
  const resize = (columns: number, rows: number): void => {
    if (id === undefined) return;
    const query = { w: String(columns), h: String(rows) };
    engine.call({ method: 'POST', path: `/exec/${id}/resize`, query }).catch(() => {}); // it has just ended
  };
  return {
    stdin,
    stdout,
    stderr,
    exited: run(),
    ...(tty && { resize }),
    kill: () => {
      void killMarked(engine, container, mark);
    },
  };
}

async function createCommand(
  engine: DockerEngine,
  container: string,
  words: readonly string[],
  mark: string,
  tty: boolean,
): Promise<string> {
  const json = {
    Cmd: words,
    AttachStdin: true,
    AttachStdout: true,
    AttachStderr: true,
    Tty: tty,
    Env: [`${MARK}=${mark}`, ...(tty ? ['TERM=xterm-256color'] : [])],
  };
  const path = `/containers/${container}/exec`;
  const { Id } = await engine.call<{ Id: string }>({ method: 'POST', path, json });
  return Id;
}

async function connect(
  engine: DockerEngine,
  id: string,
  socket: Socket,
  streams: { stdin: PassThrough; stdout: PassThrough; stderr: PassThrough | undefined },
): Promise<TaskExit> {
  const { stdin, stdout, stderr } = streams;
  stdin.pipe(socket);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => {}); // 'close' follows
  if (stderr === undefined) {
    socket.pipe(stdout, { end: false });
    void closed.then(() => stdout.end());
  } else pipeFrames(socket, stdout, stderr);
  await closed;
  const { ExitCode } = await engine
    .call<{ ExitCode?: number | null }>({ method: 'GET', path: `/exec/${id}/json` })
    .catch((error) => {
      if (error instanceof EngineError) return { ExitCode: undefined }; // the container is gone, and it with it
      throw error;
    });
  return decideContainerExit({ ExitCode: ExitCode ?? KILLED });
}

async function killMarked(engine: DockerEngine, container: string, mark: string): Promise<void> {
  try {
    const Cmd = ['sh', '-c', KILL_MARKED, 'sh', `${MARK}=${mark}`];
    const path = `/containers/${container}/exec`;
    const { Id } = await engine.call<{ Id: string }>({ method: 'POST', path, json: { Cmd } });
    await engine.call({ method: 'POST', path: `/exec/${Id}/start`, json: { Detach: true } });
  } catch {
    // The container has ended, and all in it.
  }
}
