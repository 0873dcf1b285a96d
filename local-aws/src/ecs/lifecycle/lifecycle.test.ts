import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { parseRingingAlarms } from '../alarms.ts';
import { candidateAddresses, createAddressBook, hostRange, loopbackOf, probeBind } from './addresses.ts';
import { LaunchQueue } from './launch-queue.ts';
import { parameterName } from './secrets.ts';
import { parseSubnets } from './subnets.ts';
import { pinImage } from './task-spec.ts';

describe('addresses', () => {
  it('leaves out what AWS keeps', () => {
    expect(hostRange('10.2.101.0/24')).toMatchObject({ first: 4, last: 254 });
    expect(hostRange('10.2.101.0')).toBeUndefined();
    expect(hostRange('10.2.300.0/24')).toBeUndefined();
    const all = candidateAddresses('10.2.101.0/28', 0, new Set()).map(({ ip }) => ip);
    expect(all[0]).toBe('10.2.101.4');
    expect(all.at(-1)).toBe('10.2.101.14');
    expect(all).toHaveLength(11);
  });

  it('goes on after the cursor, wraps, and skips what is taken', () => {
    const taken = new Set(['10.2.101.14']);
    const next = candidateAddresses('10.2.101.0/28', 13, taken).map(({ ip }) => ip);
    expect(next[0]).toBe('10.2.101.4');
    expect(next).not.toContain('10.2.101.14');
  });

  it('never gives .0 or .255 in a large subnet', () => {
    const all = candidateAddresses('10.2.0.0/16', 250, new Set(), 600).map(({ ip }) => ip);
    expect(all.some((ip) => ip.endsWith('.255') || ip.endsWith('.0'))).toBe(false);
    expect(new Set(all).size).toBe(600);
  });

  it('maps to loopback', () => {
    expect(loopbackOf('10.2.101.7')).toBe('127.2.101.7');
  });

  it('gives each task its own address, passes over busy ones and takes released ones back', async () => {
    const book = createAddressBook(async (address) => (address === '127.2.101.5' ? 'busy' : 'free'));
    const cidr = '10.2.101.0/28';
    const given = [];
    for (let i = 0; i < 10; i++) given.push(await book.allocate('subnet', cidr, 5000));
    expect(given[0]).toEqual({ privateIp: '10.2.101.4', loopback: '127.2.101.4', port: 5000 });
    expect(given.map((a) => a?.privateIp)).not.toContain('10.2.101.5');
    expect(new Set(given.map((a) => a?.privateIp)).size).toBe(10);
    expect(await book.allocate('subnet', cidr, 5000)).toBeUndefined();
    const back = given[3];
    if (back) book.release(back);
    expect((await book.allocate('subnet', cidr, 5000))?.privateIp).toBe(back?.privateIp);
  });

  it('does not hand one address to two tasks that start at once', async () => {
    const book = createAddressBook(async () => 'free');
    const both = await Promise.all([1, 2, 3].map(() => book.allocate('subnet', '10.2.101.0/24', 5000)));
    expect(new Set(both.map((a) => a?.privateIp)).size).toBe(3);
  });

  it('falls back to distinct ports where there is only 127.0.0.1', async () => {
    let port = 40_000;
    const book = createAddressBook(
      async () => 'no-such-address',
      async () => ++port,
    );
    const first = await book.allocate('subnet', '10.2.101.0/24', 5000);
    const second = await book.allocate('subnet', '10.2.101.0/24', 5000);
    expect(first).toEqual({ privateIp: '10.2.101.4', loopback: '127.0.0.1', port: 40_001 });
    expect(second).toEqual({ privateIp: '10.2.101.5', loopback: '127.0.0.1', port: 40_002 });
  });

  it('sees a port that somebody listens on', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    try {
      expect(await probeBind('127.0.0.1', port)).toBe('busy');
      expect(await probeBind('127.0.0.1', 0)).toBe('free');
      expect(await probeBind('192.0.2.1', 0)).toBe('no-such-address');
    } finally {
      await new Promise((resolve) => server.close(resolve));
    }
  });
});

describe('parsing', () => {
  it('reads subnets whatever else the answer holds', () => {
    const xml = `<r><subnetSet><item><subnetId>subnet-1</subnetId><state>available</state><vpcId>vpc-1</vpcId><cidrBlock>10.0.1.0/24</cidrBlock><availabilityZone>us-east-1a</availabilityZone><tagSet><item><key>Name</key></item></tagSet></item><item><subnetId>subnet-2</subnetId></item></subnetSet></r>`;
    expect(parseSubnets(xml)).toEqual([
      { id: 'subnet-1', vpcId: 'vpc-1', cidr: '10.0.1.0/24', zone: 'us-east-1a' },
    ]);
  });

  it.each([
    ['arn:aws:ssm:us-east-1:1:parameter/shop/test/key', '/shop/test/key'],
    ['arn:aws:ssm:us-east-1:1:parameter/key', 'key'],
    ['/shop/test/key', '/shop/test/key'],
    ['arn:aws:secretsmanager:us-east-1:1:secret:x', undefined],
  ])('parameter name of %s is %s', (valueFrom, expected) => {
    expect(parameterName(valueFrom)).toBe(expected);
  });

  it.each([
    ['host:5000/shop:tag', 'host:5000/shop@sha256:d'],
    ['host:5000/shop', 'host:5000/shop@sha256:d'],
    ['shop@sha256:old', 'shop@sha256:old'],
  ])('pins %s as %s', (image, expected) => {
    expect(pinImage(image, 'sha256:d')).toBe(expected);
  });

  it('finds ringing alarms', () => {
    const member = (name: string, state: string): string =>
      `<member><AlarmName>${name}</AlarmName><StateValue>${state}</StateValue></member>`;
    expect(parseRingingAlarms(member('a', 'OK') + member('b', 'ALARM'))).toEqual(['b']);
  });
});

describe('launch queue', () => {
  it('keeps the limit and goes on after a failure', async () => {
    const queue = new LaunchQueue(2);
    let active = 0;
    let most = 0;
    const job = async (fail: boolean): Promise<void> => {
      active += 1;
      most = Math.max(most, active);
      await new Promise((resolve) => setImmediate(resolve));
      active -= 1;
      if (fail) throw new Error('no');
    };
    const results = await Promise.allSettled([1, 2, 3, 4, 5].map((i) => queue.run(() => job(i === 2))));
    expect(most).toBe(2);
    expect(results.filter((result) => result.status === 'rejected')).toHaveLength(1);
  });
});
