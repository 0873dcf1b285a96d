/** Reads the body of a request into memory, up to a limit. */
import type { IncomingMessage } from 'node:http';

export const EMPTY_BODY: Buffer = Buffer.alloc(0);

/** Whether a body is announced; it may still turn out to be empty. */
export function announcesBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return (length !== undefined && length !== '0') || headers['transfer-encoding'] !== undefined;
}

/**
 * Calls back once with the body, or with undefined when it exceeds the limit; never when the client left or the time for
 * the request was over. The memory held is at most the limit and one chunk: a declared length is judged before anything
 * is read, and reading ends where the limit is passed.
 */
export function readBody(
  request: IncomingMessage,
  maxBytes: number,
  done: (body: Buffer | undefined) => void,
): void {
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) {
    done(undefined);
    return;
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  request.on('data', (chunk: Buffer) => {
    // What comes after the limit is thrown away.
    const exceeded = bytes > maxBytes;
    bytes += chunk.length;
    if (bytes <= maxBytes) chunks.push(chunk);
    else if (!exceeded) done(undefined);
  });
  request.on('end', () => {
    if (bytes > maxBytes) return;
    const [only] = chunks;
    done(chunks.length === 1 && only ? only : Buffer.concat(chunks));
  });
  // An error event without a listener ends the process.
  request.on('error', () => {});
}
