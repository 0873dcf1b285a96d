import { once } from 'node:events';
import net, { type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { until } from './balancer-fixture.ts';
import { acceptReading } from './read-buffer.ts';

it('an accepted connection changes over to the shared buffer, and the server goes on counting it', async () => {
  let read = '';
  const accepted: Socket[] = [];
  const reading: Socket[] = [];
  const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    accepted.push(socket);
    reading.push(acceptReading(socket, (bytes) => (read += bytes.toString('latin1'))));
  });
  const count = () =>
    new Promise((resolve) => server.getConnections((_, connections) => resolve(connections)));
  try {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1');
    client.write('a first');
    await until('the first bytes are read', () => read === 'a first');
    client.write(', longer second');
    await until('all bytes are read', () => read === 'a first, longer second');
    // Where this fails, Node has changed how it passes connections on: it works all the same, and slower.
    expect(reading[0]).not.toBe(accepted[0]);
    expect(await count()).toBe(1);
    client.destroy();
    reading[0]?.destroy();
    await once(accepted[0] as Socket, 'close');
    expect(await count()).toBe(0);
  } finally {
    server.close();
    for (const socket of reading) socket.destroy();
  }
});

it('a connection that can not change over is read as it is', async () => {
  const stream = new PassThrough();
  let read = '';
  expect(acceptReading(stream as unknown as Socket, (bytes) => (read += bytes.toString()))).toBe(stream);
  stream.end('hello');
  await once(stream, 'end');
  expect(read).toBe('hello');
});
