/** How a connection is told that it may not change its protocol. */
import type { Duplex } from 'node:stream';

/** Answers an upgrade that is not wanted, in the protocol that the client still speaks. */
export function refuseUpgrade(socket: Duplex, status: string, text: string): void {
  socket.on('error', () => undefined);
  const body = `${text}\n`;
  socket.end(
    `HTTP/1.1 ${status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
