/** The few things the cache asks of Redis. The only file that knows the client library. */
import { createClient, RESP_TYPES } from '@redis/client';

/** A cache that answers later than this is no help. */
export const COMMAND_TIMEOUT_MS = 500;
const CONNECT_TIMEOUT_MS = 1_000;
/** Commands that wait for an answer; more mean that Redis does not keep up, and memory stands in. */
const MAX_QUEUED_COMMANDS = 1_000;
const FIRST_RECONNECT_MS = 50;
const MAX_RECONNECT_MS = 2_000;
const PING_INTERVAL_MS = 10_000;

export interface RedisPort {
  /** True while commands can be sent. */
  isReady(): boolean;
  /** Rejects unless Redis answers in time. */
  ping(): Promise<void>;
  get(key: string): Promise<Buffer | undefined>;
  set(key: string, value: Buffer, ttlSeconds: number): Promise<void>;
  remove(key: string): Promise<void>;
  close(): void;
}

export interface RedisEvents {
  readonly onReady: () => void;
  readonly onError: (reason: string) => void;
}

/** The reason of an error without addresses of people or passwords: the client puts neither into messages. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  return error.message !== '' ? error.message : (code ?? error.name);
}

/** Starts to connect and goes on trying for as long as it is not closed; never rejects. */
export function connectRedis(url: string, events: RedisEvents): RedisPort {
  const client = createClient({
    url,
    // Without it, commands would wait for a connection that may never come.
    disableOfflineQueue: true,
    commandsQueueMaxLength: MAX_QUEUED_COMMANDS,
    pingInterval: PING_INTERVAL_MS,
    socket: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectStrategy: (retries) =>
        Math.min(FIRST_RECONNECT_MS * 2 ** Math.min(retries, 10), MAX_RECONNECT_MS),
    },
  });
  const binary = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  client.on('error', (error: unknown) => events.onError(reasonOf(error)));
  client.on('ready', events.onReady);
  client.connect().catch((error: unknown) => events.onError(reasonOf(error)));
  return {
    isReady: () => client.isReady,
    ping: async () => {
      await withTimeout(client.ping());
    },
    get: async (key) => (await withTimeout(binary.get(key))) ?? undefined,
    set: async (key, value, ttlSeconds) => {
      await withTimeout(client.set(key, value, { expiration: { type: 'EX', value: ttlSeconds } }));
    },
    remove: async (key) => {
      await withTimeout(client.del(key));
    },
    close: () => {
      client.destroy();
    },
  };
}

/** Rejects when an answer takes too long; the answer that comes later is dropped. */
function withTimeout<T>(answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`no answer within ${COMMAND_TIMEOUT_MS} ms`)),
      COMMAND_TIMEOUT_MS,
    );
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
