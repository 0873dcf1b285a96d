/**
 * Writes that leave at the end of the turn of the event loop, once all that was read in it has been worked on. A write
 * to another program on this computer wakes its reader at once, which takes the processor from us in the midst of our
 * work; and what is written to one connection in one turn leaves in one call.
 */
import type { Socket } from 'node:net';

let held: Socket[] = [];

/** In order with all other writes to the socket; `end()` lets it go at once. */
export function writeHeld(socket: Socket, text: string): void {
  if (socket.writableCorked === 0) {
    if (held.length === 0) setImmediate(releaseAll);
    held.push(socket);
    socket.cork();
  }
  socket.write(text, 'latin1');
}

/** Destroys the connection, after what was written to it: that much its reader gets. */
export function destroyAfterWrites(socket: Socket): void {
  while (socket.writableCorked > 0) socket.uncork();
  socket.destroy();
}

function releaseAll(): void {
  const sockets = held;
  held = [];
  for (const socket of sockets) socket.uncork();
}
