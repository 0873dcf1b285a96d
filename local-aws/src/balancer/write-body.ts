/**
 * Writes bodies to sockets, in as few writes as can be: each costs a call into the system. What is given lies in a
 * buffer that the next read fills, and is copied.
 */
import type { Socket } from 'node:net';
import { writeHeld } from './held-writes.ts';
import type { BodyFraming } from './message-head.ts';
import type { ClientFraming } from './target-head.ts';

/** Smaller pieces go out with their head in one write; joining larger ones would cost more than it saves. */
const MAX_JOINED_BYTES = 16 * 1024;

export interface AnswerPart {
  /** The head, with the first part only; else empty. */
  readonly head: string;
  readonly pieces: readonly Buffer[];
  readonly last: boolean;
}

/** @returns the bytes written */
export function writeAnswer(socket: Socket, framing: ClientFraming, part: AnswerPart): number {
  const { head, pieces, last } = part;
  const chunked = framing === 'chunked';
  const tail = chunked && last ? '0\r\n\r\n' : '';
  const [first] = pieces;
  if (pieces.length <= 1 && (first?.length ?? 0) <= MAX_JOINED_BYTES) {
    const content = first === undefined ? '' : first.toString('latin1');
    const framed =
      chunked && first !== undefined ? `${first.length.toString(16)}\r\n${content}\r\n` : content;
    const text = head + framed + tail;
    if (text !== '') writeHeld(socket, text);
    return text.length;
  }
  let written = head.length + tail.length;
  socket.cork();
  if (head !== '') socket.write(head, 'latin1');
  for (const piece of pieces) {
    const size = chunked ? `${piece.length.toString(16)}\r\n` : '';
    if (chunked) socket.write(size, 'latin1');
    socket.write(Buffer.from(piece));
    if (chunked) socket.write('\r\n', 'latin1');
    written += piece.length + (chunked ? size.length + 2 : 0);
  }
  if (tail !== '') socket.write(tail, 'latin1');
  socket.uncork();
  return written;
}

/** A piece of a request's body; chunks are framed anew. */
export function writeRequestBody(socket: Socket, framing: BodyFraming, data: Buffer): void {
  if (framing.kind !== 'chunked') {
    socket.write(Buffer.from(data));
    return;
  }
  socket.cork();
  socket.write(`${data.length.toString(16)}\r\n`, 'latin1');
  socket.write(Buffer.from(data));
  socket.write('\r\n', 'latin1');
  socket.uncork();
}
