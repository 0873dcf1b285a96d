/**
 * Reads of many connections into one buffer: without it each read takes a fresh 64 KB from the system and gives most of
 * it back, and comes through the machinery of streams. What was read must be used or copied before the handler returns.
 */
import net, { type Socket } from 'node:net';

const READ_BYTES = 64 * 1024;

export type ReadHandler = (bytes: Buffer) => void;

class ReadBuffer {
  readonly #all = Buffer.allocUnsafeSlow(READ_BYTES);
  /** Many messages have the length of the one before. */
  #view = this.#all;

  /** For the option `onread` of a socket. */
  handing(onRead: ReadHandler): { buffer: Uint8Array; callback: (bytes: number) => boolean } {
    return {
      buffer: this.#all,
      callback: (bytes) => {
        if (this.#view.length !== bytes) this.#view = this.#all.subarray(0, bytes);
        onRead(this.#view);
        return true; // pauses come from `pause()`
      },
    };
  }
}

const fromTargets = new ReadBuffer();
const fromClients = new ReadBuffer();

export function connectReading(to: { host: string; port: number }, onRead: ReadHandler): Socket {
  return net.connect({ ...to, noDelay: true, onread: fromTargets.handing(onRead) });
}

/**
 * Node gives accepted connections no `onread`. So the connection changes over to a socket that has it, in the way that
 * Node itself passes connections between its modules; where there is none, the socket stays as it is.
 * @param accepted by a server with `pauseOnConnect` and `allowHalfOpen`; nothing was read from it yet
 */
export function acceptReading(accepted: Socket, onRead: ReadHandler): Socket {
  const outer = accepted as unknown as { _handle: object | null | undefined };
  const handle = outer._handle;
  if (handle === null || handle === undefined) {
    accepted.on('data', onRead);
    accepted.resume();
    return accepted;
  }
  outer._handle = null;
  const options = { handle, allowHalfOpen: true, onread: fromClients.handing(onRead) };
  const socket = new net.Socket(options);
  socket.once('close', () => accepted.destroy()); // the server counts it until then
  return socket;
}
