import { createServer, type Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { ListenError, listen } from './listen.ts';

describe('listen', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  function make(): Server {
    const server = createServer();
    servers.push(server);
    return server;
  }

  it('resolves with the port that the system chose', async () => {
    const { address, port } = await listen(make(), '127.0.0.1', 0);
    expect(address).toBe('127.0.0.1');
    expect(port).toBeGreaterThan(0);
  });

  it('says that the port is taken, and what to do', async () => {
    const { port } = await listen(make(), '127.0.0.1', 0);
    const second = listen(make(), '127.0.0.1', port);
    await expect(second).rejects.toThrow(ListenError);
    await expect(second).rejects.toThrow(`can't listen on 127.0.0.1:${port} (EADDRINUSE)`);
    await expect(second).rejects.toThrow('set PORT to a free port');
  });

  it('says that the address is not of this machine', async () => {
    // 192.0.2.0/24 is reserved for documentation (RFC 5737): no machine has it.
    await expect(listen(make(), '192.0.2.1', 0)).rejects.toThrow('EADDRNOTAVAIL');
  });
});
