import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import { expect, test } from 'vitest';
import type { MotoClient, MotoRequest } from '../gateway/moto-client.ts';
import type { Journal } from './journal.ts';
import type { JournalRecord } from './journal-record.ts';
import { createJournaledClient } from './journaled-client.ts';

const noSpace = Object.assign(new Error('ENOSPC: no space left on device, write'), {
  code: 'ENOSPC',
  errno: -28,
  syscall: 'write',
});

function world(answer: (request: MotoRequest) => Promise<number> = async () => 200) {
  const sent: MotoRequest[] = [];
  const records: JournalRecord[] = [];
  const full = { before: false, after: false, body: false };
  const moto: MotoClient = {
    async send(request) {
      sent.push(request);
      const statusCode = await answer(request);
      const body = Object.assign(Readable.from([]), { dump: async () => undefined });
      return { statusCode, headers: { 'x-towpath-seed': '1' }, body } as unknown as Dispatcher.ResponseData;
    },
    close: async () => undefined,
  };
  let sequence = 0;
  const journal: Journal = {
    bodies: {
      take: async (body) => {
        if (full.body) throw noSpace;
        return {
          content: Buffer.isBuffer(body) ? body : Buffer.concat(await body.toArray()),
          release: () => undefined,
        };
      },
      read: () => Readable.from([]),
      keepOnly: () => undefined,
    },
    takeRecords: () => [],
    nextSequence: () => ++sequence,
    ensureWritable: () => {
      if (full.before) throw noSpace;
    },
    append: (record) => {
      if (full.after) throw noSpace;
      records.push(record);
    },
    size: () => ({ calls: records.length, bytes: 0 }),
    close: () => undefined,
  };
  const client = createJournaledClient({
    moto,
    journal,
    region: 'us-east-1',
    now: () => 1_000,
    log: () => undefined,
  });
  return { client, sent, records, full };
}

function call(action: string, service = 'ec2', extra: readonly string[] = []): MotoRequest {
  const scope = `AKID/20260101/us-east-1/${service}/aws4_request`;
  return {
    method: 'POST',
    url: '/',
    rawHeaders: [
      ...['Authorization', `AWS4-HMAC-SHA256 Credential=${scope}`],
      ...['Content-Type', 'application/x-www-form-urlencoded', ...extra],
    ],
    body: Buffer.from(`Action=${action}`),
  };
}

const numberOf = ({ rawHeaders }: MotoRequest) => rawHeaders[rawHeaders.indexOf('x-towpath-seed') + 1];

test('a changing call gets a number and a time, and is in the journal when it is answered', async () => {
  const { client, sent, records } = world();
  const response = await client.send(call('CreateVpc', 'ec2', ['X-Towpath-Seed', '99']));
  expect(response.headers).not.toHaveProperty('x-towpath-seed');
  expect(sent[0]?.rawHeaders.slice(4)).toEqual(['x-towpath-seed', '1', 'x-towpath-time', '1000']);
  expect(records).toMatchObject([{ sequence: 1, at: 1_000, service: 'ec2', action: 'CreateVpc' }]);
});

test('a look passes as it is, a refused call leaves nothing', async () => {
  const { client, sent, records } = world(async () => 400);
  const look = call('DescribeVpcs');
  await client.send(look);
  expect(sent).toEqual([look]);
  await client.send(call('CreateVpc'));
  expect(records).toEqual([]);
});

test('changing calls go one by one, in their order; looks do not wait for them', async () => {
  const going: string[] = [];
  let most = 0;
  const { client, sent, records } = world(async (request) => {
    if (String(request.body).includes('Describe')) return 200;
    going.push('');
    most = Math.max(most, going.length);
    await new Promise((resolve) => setTimeout(resolve, 2));
    going.pop();
    return 200;
  });
  const writes = Array.from({ length: 10 }, () => client.send(call('CreateVpc')));
  await client.send(call('DescribeVpcs'));
  expect(records.length).toBeLessThan(10);
  await Promise.all(writes);
  expect(most).toBe(1);
  const numbers = Array.from({ length: 10 }, (_, index) => index + 1);
  expect(records.map(({ sequence }) => sequence)).toEqual(numbers);
  expect(sent.filter(({ body }) => String(body).includes('Create')).map(numberOf)).toEqual(
    numbers.map(String),
  );
});

test('on a full disk nothing is changed, and the refusal says why', async () => {
  const { client, sent, full } = world();
  const refused = {
    code: 'EmbeddedStateNotWritable',
    status: 400,
    message: expect.stringContaining('no space left on device'),
  };
  full.before = true;
  await expect(client.send(call('CreateVpc'))).rejects.toMatchObject(refused);
  full.body = true;
  await expect(client.send(call('CreateVpc'))).rejects.toMatchObject(refused);
  expect(sent).toEqual([]);
  await client.send(call('DescribeVpcs'));
  full.before = false;
  full.body = false;
  full.after = true;
  await expect(client.send(call('CreateVpc'))).rejects.toMatchObject(refused);
  full.after = false;
  expect((await client.send(call('CreateVpc'))).statusCode).toBe(200);
});

test('a failed call does not hold up the next', async () => {
  let failing = true;
  const { client } = world(async () => {
    if (failing) throw new Error('connection reset');
    return 200;
  });
  await expect(client.send(call('CreateVpc'))).rejects.toThrow('connection reset');
  failing = false;
  expect((await client.send(call('CreateVpc'))).statusCode).toBe(200);
});

test('a call whose caller went away while it waited is not done, and the next one is', async () => {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { client, sent, records } = world(async () => {
    await held;
    return 200;
  });
  let gone = false;
  const send = (abandoned: () => boolean) => client.send({ ...call('CreateVpc'), abandoned });
  const first = send(() => false);
  const second = send(() => gone);
  const third = send(() => false);
  gone = true;
  release();
  await expect(second).rejects.toMatchObject({ code: 'RequestAbandoned' });
  await Promise.all([first, third]);
  expect(sent).toHaveLength(2);
  expect(records.map(({ sequence }) => sequence)).toEqual([1, 2]);
});
