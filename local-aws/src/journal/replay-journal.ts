/** Makes every journaled call again, on a control plane that has just started. */
import type { MotoClient } from '../gateway/moto-client.ts';
import type { Journal } from './journal.ts';
import type { JournalRecord } from './journal-record.ts';
import { numberRequest } from './journaled-client.ts';

/** Failures told one by one in the log; the rest is only counted. */
const maxToldFailures = 20;
/** Calls that `moto-repeatable/sitecustomize.py` takes in one request: some tenths of a second between two reports. */
const maxBatchCalls = 50;
const maxBatchBytes = 8 * 1024 * 1024;
const batchPath = '/moto-api/towpath-replay';

export interface ReplayOptions {
  readonly moto: MotoClient;
  readonly journal: Journal;
  readonly log: (line: string) => void;
  readonly onProgress: (done: number, total: number) => void;
}

export interface Replayed {
  readonly calls: number;
  /** Calls that succeeded once and do not any more. */
  readonly failed: number;
  /** Signing names of the services that were called. */
  readonly services: ReadonlySet<string>;
}

interface Outcome {
  readonly status: number;
  /** Of a failure. */
  readonly text: string;
}

/** One after the other: order matters, and moto answers one call at a time anyway. @throws when moto can't be reached */
export async function replayJournal({ moto, journal, log, onProgress }: ReplayOptions): Promise<Replayed> {
  const records = journal.takeRecords();
  let failed = 0;
  let done = 0;
  for (const batch of formBatches(records)) {
    onProgress(done, records.length);
    const outcomes = await makeCalls(moto, journal, batch);
    for (const [index, { status, text }] of outcomes.entries()) {
      const record = batch[index];
      if (status < 400 || record === undefined) continue;
      failed += 1;
      if (failed <= maxToldFailures)
        log(
          `replay: call ${record.sequence}, ${describe(record)}: HTTP ${status} ${text.slice(0, 500).replaceAll('\n', ' ')}`,
        );
    }
    done += batch.length;
  }
  onProgress(done, records.length);
  return { calls: records.length, failed, services: new Set(records.map(({ service }) => service)) };
}

/** In order; a call with a body beside the journal is a batch of its own. */
function formBatches(records: readonly JournalRecord[]): readonly (readonly JournalRecord[])[] {
  const batches: JournalRecord[][] = [];
  let bytes = 0;
  for (const record of records) {
    const batch = batches.at(-1);
    const inline = Buffer.isBuffer(record.body);
    const size = inline ? record.body.length : maxBatchBytes;
    bytes += size;
    if (batch !== undefined && batch.length < maxBatchCalls && bytes <= maxBatchBytes) batch.push(record);
    else {
      batches.push([record]);
      bytes = size;
    }
  }
  return batches;
}

async function makeCalls(
  moto: MotoClient,
  journal: Journal,
  batch: readonly JournalRecord[],
): Promise<readonly Outcome[]> {
  const [first] = batch;
  if (first !== undefined && !Buffer.isBuffer(first.body))
    return [await makeLargeCall(moto, first, journal.bodies.read(first.body))];
  const calls = batch.map((record) => {
    const body = Buffer.isBuffer(record.body) ? record.body : Buffer.alloc(0);
    const { method, url, rawHeaders } = numbered(record, null);
    return { method, url, headers: rawHeaders, body: body.toString('base64') };
  });
  const response = await moto.send({
    method: 'POST',
    url: batchPath,
    rawHeaders: ['Content-Type', 'application/json'],
    body: Buffer.from(JSON.stringify(calls)),
  });
  const text = await response.body.text();
  if (response.statusCode !== 200)
    throw new Error(
      `the control plane refuses the journal: HTTP ${response.statusCode} ${text.slice(0, 500)}`,
    );
  return JSON.parse(text) as readonly Outcome[];
}

type RequestBody = Parameters<typeof numberRequest>[3];

function numbered({ method, url, headers, sequence, at }: JournalRecord, body: RequestBody) {
  return numberRequest({ method, url, rawHeaders: headers }, sequence, at, body);
}

async function makeLargeCall(moto: MotoClient, record: JournalRecord, body: RequestBody): Promise<Outcome> {
  const response = await moto.send(numbered(record, body));
  return { status: response.statusCode, text: await response.body.text() };
}

function describe({ service, action, method, url }: JournalRecord): string {
  return `${service} ${action === '' ? `${method} ${url.split('?', 1)[0]}` : action}`;
}
