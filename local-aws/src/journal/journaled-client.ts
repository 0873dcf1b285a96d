/**
 * The way to the control plane through the journal: looks pass at once; changing calls go one by one,
 * each with a number and a time of its own, and are on disk before their answer is given.
 */
import type { Readable } from 'node:stream';
import { AwsError } from '../contract.ts';
import type { MotoClient, MotoRequest } from '../gateway/moto-client.ts';
import { recogniseAction, recogniseScope } from '../gateway/recognise-request.ts';
import {
  type CallFacts,
  decideJournaled,
  decideJournaledBody,
  decideJournaledHeaders,
  joinRawHeaders,
} from './decide-journaling.ts';
import type { Journal } from './journal.ts';
import type { BodyReference } from './journal-record.ts';
import { createWriteLane } from './write-lane.ts';

export interface JournaledClientOptions {
  readonly moto: MotoClient;
  readonly journal: Journal;
  readonly region: string;
  readonly now: () => number;
  readonly log: (line: string) => void;
}

export function createJournaledClient(options: JournaledClientOptions): MotoClient {
  const { moto, journal } = options;
  const lane = createWriteLane();
  return {
    close: () => moto.close(),
    async send(request) {
      const facts = recogniseCall(request, options.region);
      if (!decideJournaled(facts)) return moto.send(request);
      const held = await journal.bodies.take(request.body ?? Buffer.alloc(0)).catch((error: unknown) => {
        throw isFileError(error) ? refusal(options, error) : error;
      });
      try {
        return await lane.run(() => {
          if (request.abandoned?.()) throw abandonedError(facts);
          return sendNumbered(options, request, facts, held.content);
        });
      } finally {
        held.release();
      }
    },
  };
}

/**
 * A caller that is killed or gives up while its call waits must not find it done later: Terraform, interrupted, saves a
 * state without what its provider no longer heard of.
 */
function abandonedError({ service, action, method, url }: CallFacts): AwsError {
  return new AwsError('RequestAbandoned', `${service} ${action || `${method} ${url}`}: its caller has gone`);
}

function recogniseCall(request: MotoRequest, region: string): CallFacts {
  const headers = joinRawHeaders(request.rawHeaders);
  const { service } = recogniseScope(headers, request.url, region);
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  // An S3 object may be anything; its action is its method.
  const action = service === 's3' ? '' : recogniseAction(headers, request.url, body);
  return { service, action, method: request.method, url: request.url, body };
}

async function sendNumbered(
  options: JournaledClientOptions,
  request: MotoRequest,
  facts: CallFacts,
  body: Buffer | BodyReference,
) {
  const { moto, journal } = options;
  try {
    journal.ensureWritable();
  } catch (error) {
    throw refusal(options, error);
  }
  const at = options.now();
  const sequence = journal.nextSequence();
  const { service, action, method, url } = facts;
  const response = await moto.send(numberRequest(request, sequence, at, openBody(journal, request, body)));
  delete response.headers['x-towpath-seed'];
  if (response.statusCode >= 400) return response;
  const headers = decideJournaledHeaders(service, request.rawHeaders);
  const kept = Buffer.isBuffer(body) ? decideJournaledBody({ ...facts, body }) : body;
  try {
    journal.append({ sequence, at, service, action, method, url, headers, body: kept });
  } catch (error) {
    await response.body.dump();
    throw refusal(options, error);
  }
  return response;
}

function openBody(
  journal: Journal,
  request: MotoRequest,
  body: Buffer | BodyReference,
): Buffer | Readable | null {
  if (!Buffer.isBuffer(body)) return journal.bodies.read(body);
  return request.body === null ? null : body;
}

const numberingHeaders: ReadonlySet<string> = new Set(['x-towpath-seed', 'x-towpath-time']);

/** What `moto-repeatable/sitecustomize.py` reads: random numbers and time of this call. */
export function numberRequest(
  request: Pick<MotoRequest, 'method' | 'url' | 'rawHeaders'>,
  sequence: number,
  at: number,
  body: Buffer | Readable | null,
): MotoRequest {
  const headers: string[] = [];
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i] ?? '';
    if (!numberingHeaders.has(name.toLowerCase())) headers.push(name, request.rawHeaders[i + 1] ?? '');
  }
  const numbers = ['x-towpath-seed', String(sequence), 'x-towpath-time', String(at)];
  return { method: request.method, url: request.url, rawHeaders: [...headers, ...numbers], body };
}

function isFileError(error: unknown): boolean {
  return typeof (error as NodeJS.ErrnoException).syscall === 'string' &&
    (error as NodeJS.ErrnoException).errno !== undefined
    ? ['ENOSPC', 'EDQUOT', 'EROFS', 'EACCES', 'EIO', 'ENOENT', 'EMFILE'].includes(
        (error as NodeJS.ErrnoException).code ?? '',
      )
    : false;
}

/** Status 400: clients retry 5xx for minutes, and a full disk stays full. */
function refusal({ log }: JournaledClientOptions, error: unknown): AwsError {
  const reason = error instanceof Error ? error.message : String(error);
  log(`journal: ${reason}`);
  return new AwsError(
    'EmbeddedStateNotWritable',
    `The embedded AWS can't write its state to disk, and so makes no changes: ${reason}. Free space in its state directory, then try again.`,
  );
}
