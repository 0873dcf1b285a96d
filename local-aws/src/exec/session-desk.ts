/**
 * Sessions of ECS Exec from ExecuteCommand to their end: prepared with a token, opened once over a websocket on the
 * gateway, ended with the connection. The part that is the SSM message gateway on AWS.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { AwsError, type CommandSession, type CommandSessions, type RunningTask } from '../contract.ts';
import { refuseUpgrade } from '../gateway/refuse-upgrade.ts';
import { RunningSession } from './command-session.ts';

/** Prepared and open ones together. */
const maxSessions = 64;
/** A token that nobody comes with is void after this. */
const preparedForMs = 60_000;
/** From the upgrade to the token. */
const openTimeoutMs = 10_000;
/** The plugin's messages have at most 1 KB of payload. */
const maxFrameBytes = 128 * 1024;
/** Unsent bytes of a client that does not read, before it is let go. */
const maxBufferedBytes = 4 * 1024 * 1024;
/** The client gets this long to close in turn. */
const closeTimeoutMs = 1_000;
export const sessionPathPrefix = '/_local/exec/';

/** Close codes of RFC 6455. */
const closeCode = { normal: 1000, refused: 1008 } as const;

export interface SessionDesk extends CommandSessions {
  /** Takes a websocket upgrade below {@link sessionPathPrefix}. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Ends all sessions and their commands. */
  close(): Promise<void>;
}

interface Prepared {
  readonly token: string;
  readonly task: RunningTask;
  readonly command: string;
  readonly expiry: NodeJS.Timeout;
}

/** @param endpoint of the gateway, `http://127.0.0.1:4700` */
export function createSessionDesk(options: {
  readonly endpoint: () => string;
  readonly log: (line: string) => void;
}): SessionDesk {
  const server = new WebSocketServer({ noServer: true, maxPayload: maxFrameBytes, perMessageDeflate: false });
  const prepared = new Map<string, Prepared>();
  const open = new Map<WebSocket, RunningSession | undefined>();
  let closed = false;

  function prepare(task: RunningTask, command: string): CommandSession {
    if (closed || prepared.size + open.size >= maxSessions)
      throw new AwsError('LimitExceededException', `There are ${maxSessions} sessions already.`);
    const sessionId = `ecs-execute-command-${randomBytes(13).toString('hex')}`;
    const token = randomBytes(48).toString('base64url');
    const expiry = setTimeout(() => prepared.delete(sessionId), preparedForMs);
    expiry.unref();
    prepared.set(sessionId, { token, task, command, expiry });
    const streamUrl = `${options.endpoint().replace(/^http/, 'ws')}${sessionPathPrefix}${sessionId}?role=publish_subscribe`;
    return { sessionId, streamUrl, tokenValue: token };
  }

  function take(sessionId: string, token: unknown): Prepared | undefined {
    const found = prepared.get(sessionId);
    if (found === undefined || typeof token !== 'string' || !equals(found.token, token)) return undefined;
    clearTimeout(found.expiry);
    prepared.delete(sessionId);
    return found;
  }

  function accept(client: WebSocket, sessionId: string): void {
    open.set(client, undefined);
    let session: RunningSession | undefined;
    const end = () => {
      client.close(closeCode.normal);
      setTimeout(() => client.terminate(), closeTimeoutMs).unref();
    };
    const refuse = (reason: string) => {
      client.close(closeCode.refused, reason);
      setTimeout(() => client.terminate(), closeTimeoutMs).unref();
    };
    const late = setTimeout(() => refuse('no open_data_channel message came'), openTimeoutMs);
    late.unref();
    client.on('error', (error) => options.log(`exec ${sessionId}: ${error.message}`));
    client.once('close', () => {
      clearTimeout(late);
      open.delete(client);
      session?.close();
    });
    client.on('message', (data: RawData, binary) => {
      const bytes = asBuffer(data);
      if (session !== undefined) return binary ? session.receive(bytes) : undefined;
      clearTimeout(late);
      const found = take(sessionId, parseToken(bytes));
      if (found === undefined) return refuse('the token is not that of this session');
      session = new RunningSession({
        sessionId,
        task: found.task,
        command: found.command,
        transmit: (message) => {
          if (client.readyState !== client.OPEN) return;
          if (client.bufferedAmount > maxBufferedBytes) return client.terminate();
          client.send(message, { binary: true });
        },
        onEnd: end,
      });
      open.set(client, session);
    });
  }

  return {
    prepare,
    upgrade(request, socket, head) {
      const path = (request.url ?? '').split('?', 1)[0] ?? '';
      const sessionId = path.slice(sessionPathPrefix.length);
      if (closed || !prepared.has(sessionId))
        return refuseUpgrade(socket, '404 Not Found', 'No such session, or it was opened before.');
      server.handleUpgrade(request, socket, head, (client) => accept(client, sessionId));
    },
    async close() {
      closed = true;
      for (const { expiry } of prepared.values()) clearTimeout(expiry);
      prepared.clear();
      for (const [client, session] of open) {
        session?.close();
        client.terminate();
      }
      server.close();
    },
  };
}

function parseToken(bytes: Buffer): unknown {
  try {
    const message: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof message === 'object' && message !== null ? Reflect.get(message, 'TokenValue') : undefined;
  } catch {
    return undefined;
  }
}

function equals(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function asBuffer(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
