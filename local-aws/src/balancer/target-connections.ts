/** Connections to one target: those in use, and those kept for the next request. */
import type { Socket } from 'node:net';
import type { Target } from '../contract.ts';
import { connectReading } from './read-buffer.ts';

/** An Application Load Balancer gives a connection to a target this long. Real time, as for all of a request. */
export const CONNECT_TIMEOUT_MS = 10_000;
/** Below the 5 s after which a Node server closes an idle connection by default. */
const MAX_IDLE_MS = 4000;
const MAX_IDLE_CONNECTIONS = 64;
const SWEEP_INTERVAL_MS = 1000;

/** Who uses a connection now. */
export interface ConnectionUser {
  /** The bytes are gone when this returns. */
  onTargetData(chunk: Buffer): void;
  /** The target has ended its side. */
  onTargetEnd(): void;
  /** The connection is gone, after an error or not; nothing follows. */
  onTargetClosed(): void;
  onTargetIdle(): void;
  onTargetDrain(): void;
}

export class TargetConnection {
  readonly socket: Socket;
  /** Whether a request was answered on it before. */
  reused = false;
  /** Whether it was ever open. */
  connected = false;
  user: ConnectionUser | undefined;
  idleSince = 0;
  idleTimeoutMs = 0;

  constructor(dial: Target['dial'], onClosed: (connection: TargetConnection) => void) {
    const socket = connectReading({ host: dial.address, port: dial.port }, (bytes) => this.#onRead(bytes));
    this.socket = socket;
    socket.setTimeout(CONNECT_TIMEOUT_MS);
    socket.once('connect', () => {
      this.connected = true;
      socket.setTimeout(this.idleTimeoutMs);
    });
    socket.on('drain', () => this.user?.onTargetDrain());
    socket.on('timeout', () => {
      if (this.user === undefined) socket.destroy();
      else this.user.onTargetIdle();
    });
    socket.on('end', () => {
      if (this.user === undefined) socket.destroy();
      else this.user.onTargetEnd();
    });
    socket.on('error', () => undefined); // 'close' follows
    socket.once('close', () => {
      onClosed(this);
      this.user?.onTargetClosed();
    });
  }

  #onRead(bytes: Buffer): void {
    // What nobody asked for can't be told from the answer to the next request.
    if (this.user === undefined) this.socket.destroy();
    else this.user.onTargetData(bytes);
  }

  use(user: ConnectionUser, idleTimeoutMs: number): void {
    this.user = user;
    if (idleTimeoutMs === this.idleTimeoutMs) return;
    this.idleTimeoutMs = idleTimeoutMs;
    if (this.connected) this.socket.setTimeout(idleTimeoutMs);
  }

  /** Nobody hears of it any more. */
  discard(): void {
    this.user = undefined;
    this.socket.destroy();
  }
}

export class TargetConnections {
  readonly #dial: Target['dial'];
  readonly #onOpened: (() => void) | undefined;
  readonly #open = new Set<TargetConnection>();
  /** Used last, taken first: the one least likely to be closed at the other end. */
  readonly #idle: TargetConnection[] = [];
  #keep = true;
  #sweep: NodeJS.Timeout | undefined;

  constructor(dial: Target['dial'], onOpened: (() => void) | undefined) {
    this.#dial = dial;
    this.#onOpened = onOpened;
  }

  get open(): number {
    return this.#open.size;
  }

  /** Requests that are on their way. */
  get busy(): number {
    return this.#open.size - this.#idle.length;
  }

  /** A kept connection where there is one and `fresh` is not asked for. `now` is of the monotonic clock. */
  take(fresh: boolean, now: number): TargetConnection {
    while (!fresh) {
      const kept = this.#idle.pop();
      if (kept === undefined) break;
      if (kept.socket.destroyed || now - kept.idleSince > MAX_IDLE_MS) {
        kept.discard();
        continue;
      }
      kept.reused = true;
      return kept;
    }
    const connection = new TargetConnection(this.#dial, (closed) => this.#forget(closed));
    this.#open.add(connection);
    this.#onOpened?.();
    return connection;
  }

  /** Gives back a connection whose request and answer are both whole. */
  release(connection: TargetConnection, now: number): void {
    connection.user = undefined;
    const { socket } = connection;
    if (!this.#keep || this.#idle.length >= MAX_IDLE_CONNECTIONS || socket.destroyed || !socket.writable) {
      socket.destroy();
      return;
    }
    connection.idleSince = now;
    this.#idle.push(connection);
    this.#sweep ??= setInterval(() => this.#sweepIdle(), SWEEP_INTERVAL_MS).unref();
  }

  /** From now on each connection closes when its request is done. */
  closeIdle(): void {
    this.#keep = false;
    for (const connection of this.#idle.splice(0)) connection.discard();
    this.#stopSweep();
  }

  /** Ends those in use too. */
  destroy(): void {
    this.closeIdle();
    for (const { socket } of this.#open) socket.destroy();
  }

  #forget(connection: TargetConnection): void {
    this.#open.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  #sweepIdle(): void {
    const oldest = performance.now() - MAX_IDLE_MS;
    const fresh = this.#idle.findIndex(({ idleSince }) => idleSince >= oldest);
    const stale = this.#idle.splice(0, fresh < 0 ? this.#idle.length : fresh);
    for (const connection of stale) connection.discard();
    if (this.#idle.length === 0) this.#stopSweep();
  }

  #stopSweep(): void {
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }
}
