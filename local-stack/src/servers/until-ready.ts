/** Waits until a server of the stack answers, or has ended, or takes too long. */
import { connect } from 'node:net';
import type { Clock } from '../contract.ts';
import type { ServerProgram } from './server-program.ts';

const POLL_MS = 50;
const SECOND_LOOK_MS = 150;
const ANSWER_LIMIT_MS = 2_000;

/** @returns why it is not ready; undefined when it is */
export async function untilReady(
  server: Pick<ServerProgram, 'readyPath'>,
  port: number,
  limitMs: number,
  clock: Clock,
  ended: () => string | undefined = () => undefined,
): Promise<string | undefined> {
  const deadline = clock.now() + limitMs;
  while (clock.now() < deadline) {
    const end = ended();
    if (end !== undefined) return `it ended by itself: ${end}`;
    if (await answers(server.readyPath, port)) {
      // Another one may answer on a port that ours could not have; ours has ended by then, or is about to.
      await clock.sleep(SECOND_LOOK_MS);
      const late = ended();
      return late === undefined ? undefined : `it ended by itself: ${late}`;
    }
    await clock.sleep(POLL_MS);
  }
  return `it did not answer within ${limitMs / 1000} s`;
}

/** @param path of HTTP; undefined for Redis */
export async function answers(path: string | undefined, port: number): Promise<boolean> {
  if (path === undefined) return answersPing(port);
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

/** Redis' own protocol. */
function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: ANSWER_LIMIT_MS });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => socket.write('PING\r\n'));
    socket.once('data', (data: Buffer) => end(data.toString('latin1').startsWith('+PONG')));
    socket.once('timeout', () => end(false));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
  });
}
