/** Reads a request body into memory up to a limit. */
import type { IncomingMessage } from 'node:http';
import { AwsError } from '../contract.ts';

/** @throws AwsError 413 when the body is longer than `limitBytes` */
export async function readBody(request: IncomingMessage, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    const bytes = chunk as Buffer;
    length += bytes.length;
    if (length > limitBytes) {
      throw new AwsError(
        'RequestEntityTooLargeException',
        `The request body exceeds ${limitBytes} bytes`,
        413,
      );
    }
    chunks.push(bytes);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, length);
}
