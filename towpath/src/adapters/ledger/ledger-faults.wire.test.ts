/**
 * The ledger while AWS throttles, fails and loses answers, call by call: nothing is lost or written twice,
 * the error is clear, and the same command works again. And the ledger's segments and witness on S3 and DynamoDB.
 */
import { CreateTableCommand, DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { CreateBucketCommand, DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Fault, type FaultProxy, startFaultProxy } from '../../../test/contracts/fault-proxy.ts';
import { type MotoServer, startMoto } from '../../../test/contracts/moto-server.ts';
import { createMemoryClock } from '../../../test/fakes/memory-clock.ts';
import { createMemoryRandom } from '../../../test/fakes/memory-random.ts';
import { sampleEnvironment, sampleProject } from '../../../test/fakes/sample-project.ts';
import { TowpathError } from '../../domain/errors.ts';
import type { LedgerEvent } from '../../domain/ledger.ts';
import type { ProgressEvent } from '../../domain/progress.ts';
import type { LedgerPort } from '../../ports.ts';
import { createSession, type Session } from '../aws/session.ts';
import { createLedgerStore } from './ledger-store.ts';
import { createLedgerWitness, witnessIdOf } from './ledger-witness.ts';
import { createLedger } from './s3-ledger.ts';

const REGION = 'us-east-1';
const SEGMENT_EVENTS = 3;
/** The SDK repeats a failed call up to three times, with waits in between. */
const FAULTS_TIMEOUT_MS = 240_000;
/** More calls than one command makes here. */
const MAX_CALLS = 20;
const payload = { type: 'environment.destroyed' } as const;

let moto: MotoServer;
let proxy: FaultProxy;
let session: Session;
let count = 0;

beforeAll(async () => {
  moto = await startMoto();
  proxy = await startFaultProxy(moto.endpoint);
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  session = createSession({ region: REGION, endpoint: proxy.endpoint, credentials });
});

afterEach(() => proxy.plan(() => undefined));

afterAll(async () => {
  session?.close();
  await proxy?.stop();
  await moto?.stop();
});

interface Subject {
  readonly bucket: string;
  readonly table: string;
  readonly project: string;
  readonly told: ProgressEvent[];
  /** A process of its own: nothing is cached. */
  open(): LedgerPort;
}

async function fresh(): Promise<Subject> {
  count += 1;
  const environment = sampleEnvironment('test', 0, `-faults-${count}`);
  const project = sampleProject([environment], `shop-${count}`);
  await (await session.s3()).send(new CreateBucketCommand({ Bucket: environment.stateBucket }));
  await (await session.dynamodb()).send(
    new CreateTableCommand({
      TableName: environment.lockTable,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: 'LockID', AttributeType: 'S' }],
      KeySchema: [{ AttributeName: 'LockID', KeyType: 'HASH' }],
    }),
  );
  const told: ProgressEvent[] = [];
  const random = createMemoryRandom(`writer-${count}`);
  const parts = { session, environment, project, clock: createMemoryClock(), random };
  return {
    bucket: environment.stateBucket,
    table: environment.lockTable,
    project: project.name,
    told,
    open: () =>
      createLedger({
        ...parts,
        store: createLedgerStore(parts),
        witness: createLedgerWitness(parts),
        notifier: { notify: (event) => void told.push(event) },
        identity: async () => 'arn:a',
        segmentEvents: SEGMENT_EVENTS,
      }),
  };
}

/** What a command does: read, decide, write. */
async function command({ open }: Subject): Promise<LedgerEvent> {
  const ledger = open();
  return ledger.append((await ledger.load()).at(-1), payload);
}

async function commands(subject: Subject, times: number): Promise<void> {
  for (let time = 0; time < times; time += 1) await command(subject);
}

const FAULTS: Readonly<Record<string, Fault>> = {
  'is throttled': { kind: 'refused', status: 503, code: 'SlowDown' },
  'fails inside': { kind: 'refused', status: 500, code: 'InternalError' },
  'loses its answer': { kind: 'answer lost' },
};

describe('a command, while AWS', () => {
  it.each(Object.entries(FAULTS))(
    '%s once, at any call, goes through unharmed',
    async (_, fault) => {
      const subject = await fresh();
      // The third command and on also write a segment: a stretch is full.
      await commands(subject, SEGMENT_EVENTS);
      for (let call = 1; call <= MAX_CALLS; call += 1) {
        proxy.plan((number) => (number === call ? fault : undefined));
        await command(subject);
        const reached = proxy.seen.length;
        proxy.plan(() => undefined);
        const audit = await subject.open().audit();
        expect(audit.problems).toEqual([]);
        expect(audit.events).toHaveLength(SEGMENT_EVENTS + call);
        if (reached < call) return;
      }
      throw new Error(`one command makes more than ${MAX_CALLS} calls`);
    },
    FAULTS_TIMEOUT_MS,
  );

  it('[s3.conflict] answers that another write is under way, tries again', async () => {
    const subject = await fresh();
    let conflicts = 0;
    proxy.plan((_, method) => {
      if (method !== 'PUT' || conflicts === 2) return undefined;
      conflicts += 1;
      return { kind: 'refused', status: 409, code: 'ConditionalRequestConflict' };
    });
    await command(subject);
    expect(conflicts).toBe(2);
    expect((await subject.open().audit()).events).toHaveLength(1);
  });

  it.each(Object.entries(FAULTS))(
    '%s from some call on, stops clearly, and works again later',
    async (_, fault) => {
      const subject = await fresh();
      await commands(subject, SEGMENT_EVENTS);
      let before = SEGMENT_EVENTS;
      // Reading and writing take their turns: each first call that does not come through is a case.
      for (const from of [1, 2, 3, 4, 5, 6, 7]) {
        proxy.plan((number) => (number >= from ? fault : undefined));
        const outcome = await command(subject).catch((error: unknown) => error);
        proxy.plan(() => undefined);
        const { events, problems } = await subject.open().audit();
        expect(problems).toEqual([]);
        if (outcome instanceof Error) {
          expect(outcome).toBeInstanceOf(TowpathError);
          expect(outcome).toMatchObject({
            code: expect.stringMatching(/^AWS_(CALL_FAILED|UNREACHABLE)$/),
            message: expect.stringMatching(/s3:|dynamodb:/),
          });
          // Lost answers may have been to a write; it stands once, or not at all.
          expect(events.length - before).toBeLessThanOrEqual(fault.kind === 'answer lost' ? 1 : 0);
        } else {
          expect(events).toHaveLength(before + 1);
        }
        await command(subject);
        before = events.length + 1;
        expect(await subject.open().load()).toHaveLength(before);
      }
    },
    FAULTS_TIMEOUT_MS,
  );
});

describe('a ledger with segments on S3', () => {
  it('is read through them, and falls back by itself when one is spoiled', async () => {
    const subject = await fresh();
    await commands(subject, SEGMENT_EVENTS * 2 + 1);
    proxy.plan(() => undefined);
    const events = await subject.open().load();
    const reads = proxy.seen.filter((line) => /^GET .*ledger\/\S*\.json/.test(line));
    expect(reads.filter((line) => line.includes('/segments/'))).toHaveLength(2);
    expect(reads).toHaveLength(3);
    const Key = 'ledger/segments/00000001-00000003.json';
    await (await session.s3()).send(new PutObjectCommand({ Bucket: subject.bucket, Key, Body: '{}' }));
    expect(await subject.open().load()).toEqual(events);
    expect(JSON.stringify(subject.told)).toContain(`s3://${subject.bucket}/${Key}`);
    expect((await subject.open().audit()).problems).toMatchObject([
      { object: `s3://${subject.bucket}/${Key}` },
    ]);
  });

  it('knows from the lock table that its newest event was taken away', async () => {
    const subject = await fresh();
    await commands(subject, 2);
    await (await session.s3()).send(
      new DeleteObjectCommand({ Bucket: subject.bucket, Key: 'ledger/00000002.json' }),
    );
    await expect(subject.open().load()).rejects.toMatchObject({
      code: 'LEDGER_CORRUPT',
      problems: [{ path: `s3://${subject.bucket}/ledger/00000002.json`, message: 'missing' }],
    });
    const LockID = { S: witnessIdOf(subject.project, 'test') };
    await (await session.dynamodb()).send(
      new DeleteItemCommand({ TableName: subject.table, Key: { LockID } }),
    );
    expect(await subject.open().load()).toHaveLength(1);
  });
});
