/** A connection that has changed its protocol (WebSocket): both sides are joined byte for byte, each at the other's pace. */
import type { Socket } from 'node:net';

/** The sockets' own idle timeouts decide when it is over: a byte to one side is a byte from the other. */
export class UpgradeTunnel {
  readonly #client: Socket;
  readonly #target: Socket;

  constructor(client: Socket, target: Socket) {
    this.#client = client;
    this.#target = target;
  }

  /** Both copy what they are given: it lies in a buffer that the next read fills. */
  toTarget(data: Buffer): void {
    if (!this.#target.write(Buffer.from(data))) this.#client.pause();
  }

  toClient(data: Buffer): void {
    if (!this.#client.write(Buffer.from(data))) this.#target.pause();
  }

  onTargetDrain(): void {
    this.#client.resume();
  }

  onClientDrain(): void {
    this.#target.resume();
  }

  /** One side has said all that it had to say; the other may still talk. */
  onClientEnd(): void {
    this.#target.end();
  }

  onTargetEnd(): void {
    this.#client.end();
  }

  close(): void {
    this.#client.destroy();
    this.#target.destroy();
  }
}
