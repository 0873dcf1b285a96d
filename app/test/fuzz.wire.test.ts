/** A small dose of what the bench does with 100 000 requests: nothing that a client sends is answered with a 5xx. */
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeImageDir, type RunningService, startService } from './built-service.ts';
import { startFlaskService } from './flask-service.ts';
import { fuzzService } from './fuzz-service.ts';

const REQUESTS = 2_000;
const MAX_RESIDENT_BYTES = 150_000_000;

let imageDir = '';
beforeAll(async () => {
  imageDir = await makeImageDir();
}, 30_000);
afterAll(() => rm(imageDir, { recursive: true, force: true }));

type Start = (env: Readonly<Record<string, string>>) => RunningService;
const SERVICES: readonly (readonly [string, Start])[] = [
  ['this service', (env) => startService(imageDir, env)],
  ['the Flask example', startFlaskService],
];

describe('requests made from the OpenAPI description', () => {
  it.each(SERVICES)(
    'of %s never end in a 5xx, an undescribed status or a stack trace',
    async (_name, start) => {
      const service = start({ APP_SECRET: 'hunter2-hunter2', SHUTDOWN_DELAY_MS: '0' });
      try {
        const port = Number((await service.logged('listening')).port);
        await service.logged('ready');
        const result = await fuzzService(port, REQUESTS, 20_260_101);
        expect(result.failures).toEqual([]);
        // Good and bad ones of many kinds got through, or the generator is of no use.
        expect(Object.keys(result.byStatus)).toEqual(
          expect.arrayContaining(['200', '204', '400', '401', '404', '405', '413', '415', '422', '431']),
        );
        const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
        const resident = Number(/^process_resident_memory_bytes (\S+)$/m.exec(metrics)?.[1]);
        expect(resident).toBeLessThan(MAX_RESIDENT_BYTES);
        service.process.kill('SIGTERM');
        expect(await service.exited).toEqual({ code: 0, signal: null });
        expect(service.lines.filter(({ level }) => level === 'error')).toEqual([]);
        expect(JSON.stringify(service.lines)).not.toContain('hunter2');
      } finally {
        service.process.kill('SIGKILL');
      }
    },
  );
});
