import { once } from 'node:events';
import net, { type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { destroyAfterWrites, writeHeld } from './held-writes.ts';

let server: net.Server;
let writer: Socket;
let reader: Socket;
beforeEach(async () => {
  server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  writer = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
  const connected = once(writer, 'connect');
  [reader] = await once(server, 'connection');
  await connected;
});
afterEach(() => {
  writer.destroy();
  reader.destroy();
  server.close();
});

async function readAll(): Promise<string> {
  let text = '';
  for await (const chunk of reader) text += chunk;
  return text;
}

it('leave at the end of the turn, in order with other writes', async () => {
  writeHeld(writer, 'one ');
  expect(writer.writableLength).toBe(4);
  writer.write(Buffer.from('two '));
  writeHeld(writer, 'three ');
  await new Promise((resolve) => setImmediate(resolve));
  expect(writer.writableLength).toBe(0);
  writeHeld(writer, 'four');
  writer.end(); // does not wait for the turn to end
  expect(await readAll()).toBe('one two three four');
});

it('are not lost when the connection is destroyed in the same turn', async () => {
  writeHeld(writer, 'half');
  destroyAfterWrites(writer);
  expect(await readAll()).toBe('half');
});

it('are dropped with a connection that is destroyed', async () => {
  writeHeld(writer, 'nothing');
  writer.destroy();
  expect(await readAll()).toBe('');
});
