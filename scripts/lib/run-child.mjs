/**
 * Runs a child process so that stopping this one always stops the child: signals are passed on once, a time limit
 * ends the whole group, and a child started with `endWithParent` notices even that this process was killed with -9.
 */
import { spawn, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const END_WITH_PARENT = join(dirname(fileURLToPath(import.meta.url)), 'end-with-parent.mjs');
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** npm repeats a terminal's signal within milliseconds; a person's second Ctrl-C comes later than this. */
const REPEATED_SIGNAL_MS = 500;
/** How long a child may take to stop after a signal before its group is killed. */
const STOP_LIMIT_MS = 60_000;
/** How long a child that ran into its time limit may take to stop. */
const TIMEOUT_STOP_LIMIT_MS = 10_000;
/** How often a process started by npm looks whether npm is still there. */
const NPM_WATCH_INTERVAL_MS = 1_000;
/** Kept of a captured output, from its end. */
const MAX_OUTPUT_CHARACTERS = 1_000_000;

const running = new Set();
let receivedSignal;
let receivedAt = 0;
let listening = false;

/** The signal that asked this process to stop, if any did. */
export function stopSignal() {
  return receivedSignal;
}

/**
 * @param command a program
 * @param args its arguments
 * @param options `output`: `inherit` (the child owns the terminal) or `capture`; `timeoutMs`: limit of its run;
 *   `endWithParent`: for Node programs, ends them when this process vanishes; `cwd`; `env`: added to this one's
 * @returns `code` or `signal`, the captured `output`, `timedOut`, `durationMs`
 */
export async function runChild(command, args, options) {
  listenForSignals();
  const startedAt = performance.now();
  const capture = options.output === 'capture';
  const stdio = capture ? ['ignore', 'pipe', 'pipe'] : ['inherit', 'inherit', 'inherit'];
  const env = { ...process.env, ...options.env };
  if (options.endWithParent) {
    stdio.push('pipe');
    env.TOWPATH_PARENT_PIPE = '3';
  }
  // A group of its own: a terminal's Ctrl-C then reaches the child through this process only, once.
  const child = spawn(command, options.endWithParent ? ['--import', END_WITH_PARENT, ...args] : args, {
    cwd: options.cwd,
    env,
    stdio,
    detached: true,
  });
  const entry = { child, toGroup: capture, timer: undefined };
  running.add(entry);
  if (receivedSignal !== undefined) passOn(entry, receivedSignal);
  const state = { output: '', timedOut: false };
  if (capture) collectOutput(child, state);
  const limit =
    options.timeoutMs === undefined
      ? undefined
      : setTimeout(() => endInTime(entry, state), options.timeoutMs);
  try {
    const ended = await finished(child, command);
    return { ...ended, ...state, durationMs: performance.now() - startedAt };
  } finally {
    clearTimeout(limit);
    clearTimeout(entry.timer);
    running.delete(entry);
    // Whatever the child left in its group.
    killGroup(child, 'SIGKILL');
  }
}

function finished(child, command) {
  return new Promise((resolve, reject) => {
    child.once('error', (error) =>
      reject(new Error(`Could not start ${command}: ${error.message}`, { cause: error })),
    );
    child.once('exit', (code, signal) => {
      // `close` follows once the output is read; a grandchild that keeps the pipe open must not hold us up.
      const settled = setTimeout(() => resolve({ code, signal }), 1_000);
      child.once('close', () => {
        clearTimeout(settled);
        resolve({ code, signal });
      });
    });
  });
}

function collectOutput(child, state) {
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text) => {
      state.output = (state.output + text).slice(-MAX_OUTPUT_CHARACTERS);
    });
  }
}

function endInTime(entry, state) {
  state.timedOut = true;
  killGroup(entry.child, 'SIGTERM');
  entry.timer = setTimeout(() => killGroup(entry.child, 'SIGKILL'), TIMEOUT_STOP_LIMIT_MS);
}

function killGroup(child, signal) {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // Nobody of the group is left: what was wanted. (EPERM is what macOS says of a group of zombies.)
    if (error.code !== 'ESRCH' && error.code !== 'EPERM') throw error;
  }
}

function listenForSignals() {
  if (listening) return;
  listening = true;
  for (const signal of SIGNALS) process.on(signal, () => receive(signal));
  if (process.env.npm_lifecycle_event !== undefined) watchNpm();
}

/** When npm is killed, nothing tells us: some shells between it and us die with it, some stay. */
function watchNpm() {
  const parent = process.ppid;
  const watched = [parent];
  const [above, ...command] = describeProcess(parent);
  // Only the shell that npm started for this script: what started npm may end, as after `nohup npm start &`.
  if (command[1] === '-c' && Number(above) > 1) watched.push(Number(above));
  setInterval(() => {
    if (receivedSignal === undefined && (process.ppid !== parent || !watched.every(isRunning)))
      receive('SIGHUP');
  }, NPM_WATCH_INTERVAL_MS).unref();
}

/** @returns its parent's id and the words of its command; nothing on a system without `ps` */
function describeProcess(pid) {
  const { stdout } = spawnSync('ps', ['-o', 'ppid=,command=', '-p', String(pid)], { encoding: 'utf8' });
  return (stdout ?? '').trim().split(/\s+/);
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function receive(signal) {
  const now = performance.now();
  if (receivedSignal !== undefined && now - receivedAt < REPEATED_SIGNAL_MS) return;
  receivedSignal = signal;
  receivedAt = now;
  for (const entry of running) passOn(entry, signal);
}

function passOn(entry, signal) {
  if (entry.toGroup) killGroup(entry.child, signal);
  else entry.child.kill(signal);
  entry.timer ??= setTimeout(() => {
    console.error(
      `Process ${entry.child.pid} did not stop within ${STOP_LIMIT_MS / 1000} s of ${signal}; killing it.`,
    );
    killGroup(entry.child, 'SIGKILL');
  }, STOP_LIMIT_MS);
}
