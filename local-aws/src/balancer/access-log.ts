/**
 * Keeps the access log of one load balancer while `access_logs.s3.enabled` is true, as on AWS: a file in the state
 * directory, and gzip objects in S3. Bounded on both sides: what does not fit is dropped, and the log says so.
 */
import { randomBytes } from 'node:crypto';
import { appendFile, mkdir, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { LoadBalancerWiring } from '../contract.ts';
import { renderAccessLogKey, renderAccessLogLine } from './access-log-line.ts';
import type { RequestRecord } from './request-record.ts';
import { metricDimension } from './traffic-meter.ts';

/** AWS delivers a log every five minutes. AWS-side milliseconds. */
export const DELIVERY_INTERVAL_MS = 300_000;
const FLUSH_INTERVAL_MS = 500;
/** At this size the file becomes `.1`, and a new one begins. */
const MAX_FILE_BYTES = 20 * 1024 * 1024;
const RECORDS_AT_ONCE = 64;
/** Lines are gathered outside the heap: as strings they would grow old there, and cost the requests after them time. */
const BLOCK_BYTES = 256 * 1024;
const MAX_LINE_BYTES = 64 * 1024;
/** What waits for the disk, and what waits for its delivery. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
const MAX_UNDELIVERED_BYTES = 64 * 1024 * 1024;
const PRIVATE = 0o600;
const PRIVATE_FOLDER = 0o700;
const RANDOM_BYTES = 4;

const compress = promisify(gzip);

export interface AccessLogOptions {
  readonly folder: string;
  readonly accountId: string;
  readonly region: string;
  /** Puts an object into S3; without it nothing is delivered. */
  readonly putObject?: ((bucket: string, key: string, body: Buffer) => Promise<void>) | undefined;
}

export class AccessLog {
  readonly #options: AccessLogOptions;
  readonly #file: string;
  readonly #log: (line: string) => void;
  #records: RequestRecord[] = [];
  #fileBytes: number | undefined;
  #block = Buffer.alloc(0);
  #blockBytes = 0;
  #waitingBytes = 0;
  #undelivered: Buffer[] = [];
  #undeliveredBytes = 0;
  #dropped = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();
  #delivery: LoadBalancerWiring['accessLogs'];
  #arn = '';
  #loadBalancerId = '';

  constructor(file: string, options: AccessLogOptions, log: (line: string) => void) {
    this.#file = file;
    this.#options = options;
    this.#log = log;
  }

  configure(arn: string, delivery: LoadBalancerWiring['accessLogs']): void {
    this.#arn = arn;
    this.#delivery = delivery;
    this.#loadBalancerId = metricDimension(arn);
    if (delivery === undefined) this.#takeUndelivered();
  }

  /** Costs next to nothing: lines are rendered some at a time, which is cheaper and holds up no request for long. */
  add(record: RequestRecord): void {
    if (this.#delivery === undefined) return;
    this.#records.push(record);
    if (this.#records.length >= RECORDS_AT_ONCE) this.#render();
    this.#timer ??= setTimeout(() => this.#flushLater(), FLUSH_INTERVAL_MS).unref();
  }

  #render(): void {
    const records = this.#records;
    this.#records = [];
    for (const record of records) this.#write(`${renderAccessLogLine(record, this.#loadBalancerId)}\n`);
  }

  #write(line: string): void {
    if (this.#waitingBytes + line.length > MAX_WAITING_BYTES || line.length > MAX_LINE_BYTES) {
      this.#dropped += 1;
      return;
    }
    if (this.#blockBytes + line.length > this.#block.length) {
      this.#handOver();
      this.#block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    }
    this.#blockBytes += this.#block.write(line, this.#blockBytes, 'latin1');
  }

  /** Puts what has come since the last delivery into the bucket. Never rejects. */
  async deliver(now: number): Promise<void> {
    await this.flush();
    const delivery = this.#delivery;
    const { putObject, accountId, region } = this.#options;
    if (this.#undeliveredBytes === 0 || delivery === undefined || putObject === undefined) return;
    const text = this.#takeUndelivered();
    const key = renderAccessLogKey({
      prefix: delivery.prefix,
      accountId,
      region,
      loadBalancerArn: this.#arn,
      endedAt: now,
      address: '127.0.0.1',
      random: randomBytes(RANDOM_BYTES).toString('hex'),
    });
    try {
      await putObject(delivery.bucket, key, await compress(text));
    } catch (error) {
      this.#log(
        `access log: ${text.length} bytes did not reach s3://${delivery.bucket}/${key}: ${String(error)}`,
      );
    }
  }

  /** Resolves when all lines are on disk. Never rejects. */
  flush(): Promise<void> {
    this.#flushLater();
    return this.#writing;
  }

  #flushLater(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#render();
    this.#handOver();
  }

  #handOver(): void {
    if (this.#blockBytes === 0) return;
    const bytes = this.#block.subarray(0, this.#blockBytes);
    this.#block = this.#block.subarray(this.#blockBytes); // the rest of it takes the next lines
    this.#blockBytes = 0;
    if (this.#dropped > 0)
      this.#log(`access log ${this.#file}: ${this.#dropped} lines dropped, too much at once`);
    this.#dropped = 0;
    if (this.#delivery !== undefined) this.#keepForDelivery(bytes);
    this.#waitingBytes += bytes.length;
    this.#writing = this.#writing.then(async () => {
      await this.#append(bytes);
      this.#waitingBytes -= bytes.length;
    });
  }

  #keepForDelivery(bytes: Buffer): void {
    if (this.#undeliveredBytes + bytes.length > MAX_UNDELIVERED_BYTES) {
      this.#log(`access log: ${bytes.length} bytes are too much for one delivery, dropped`);
      return;
    }
    this.#undelivered.push(bytes);
    this.#undeliveredBytes += bytes.length;
  }

  #takeUndelivered(): Buffer {
    const all = Buffer.concat(this.#undelivered);
    this.#undelivered = [];
    this.#undeliveredBytes = 0;
    return all;
  }

  async #append(bytes: Buffer): Promise<void> {
    try {
      this.#fileBytes ??= await openedBytes(this.#file);
      if (this.#fileBytes + bytes.length > MAX_FILE_BYTES) {
        await rename(this.#file, `${this.#file}.1`).catch(() => undefined);
        this.#fileBytes = 0;
      }
      await appendFile(this.#file, bytes, { mode: PRIVATE });
      this.#fileBytes += bytes.length;
    } catch (error) {
      this.#log(`access log: ${this.#file} can't be written: ${String(error)}`);
    }
  }
}

/** Makes the folder. @returns how long the file is that an earlier run has left */
async function openedBytes(file: string): Promise<number> {
  await mkdir(dirname(file), { recursive: true, mode: PRIVATE_FOLDER });
  return stat(file).then(
    (found) => found.size,
    () => 0,
  );
}
