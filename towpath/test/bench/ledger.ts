/**
 * `npm run bench -- ledger`: a ledger of ten thousand events on the embedded AWS, loaded by a process that has seen
 * none of it, with and without segments, and verified object by object. Exits 1 when the goal is missed.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { createBootstrap } from '../../src/adapters/aws/bootstrap.ts';
import { createIdentity } from '../../src/adapters/aws/identity.ts';
import { createSession } from '../../src/adapters/aws/session.ts';
import { keyOfSequence, renderLedgerObject } from '../../src/adapters/ledger/ledger-object.ts';
import { createLedgerStore } from '../../src/adapters/ledger/ledger-store.ts';
import { createS3Ledger } from '../../src/adapters/ledger/s3-ledger.ts';
import { systemClock, systemRandom } from '../../src/adapters/system.ts';
import { type LedgerEvent, type LedgerPayload, nextEvent } from '../../src/domain/ledger.ts';
import { sampleEnvironment, sampleProject } from '../fakes/sample-project.ts';

const EVENTS = 10_000;
const ROUNDS = 7;
const GOAL_MS = 1_000;
const PARALLEL_WRITES = 32;
/** Each writes some of the segments that are due. */
const SEALING_APPENDS = 5;
const START_TIMEOUT_MS = 60_000;
const LOAD_TIMEOUT_MS = 300_000;
const ACTOR = 'arn:aws:sts::123456789012:assumed-role/shop-test-deploy/developer@example.com';
const LOAD_ARGUMENT = 'load';

const self = fileURLToPath(import.meta.url);
const localAws = fileURLToPath(new URL('../../../local-aws/dist/main.js', import.meta.url));

const [, , mode, endpoint] = process.argv;
process.exitCode =
  mode === LOAD_ARGUMENT && endpoint !== undefined ? await loadOnce(endpoint) : await bench();

function partsOf(endpointUrl: string) {
  const environment = sampleEnvironment('test', 0);
  const project = sampleProject([environment]);
  const session = createSession({ region: project.region, endpoint: endpointUrl });
  const parts = { session, project, environment, clock: systemClock, random: systemRandom };
  const notifier = { notify: (event: object) => say(JSON.stringify(event)) };
  return { ...parts, notifier, identity: async () => ACTOR };
}

/** A process of its own: nothing is loaded, cached or connected before. Prints milliseconds. */
async function loadOnce(endpointUrl: string): Promise<number> {
  const started = performance.now();
  const parts = partsOf(endpointUrl);
  const events = await createS3Ledger(parts).load();
  process.stdout.write(`${JSON.stringify({ ms: performance.now() - started, events: events.length })}\n`);
  parts.session.close();
  return events.length >= EVENTS ? 0 : 1;
}

async function bench(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'towpath-bench-ledger-'));
  const child = spawn(process.execPath, [localAws, '--state-dir', folder, '--exit-with-parent'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  try {
    return await measure(await endpointOf(child));
  } finally {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.stdin?.end();
    if (child.exitCode === null) await ended;
    rmSync(folder, { recursive: true, force: true });
  }
}

async function endpointOf(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('the embedded AWS has no standard output');
  const timer = setTimeout(() => child.kill('SIGTERM'), START_TIMEOUT_MS);
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const message = JSON.parse(line) as { readonly type: string; readonly endpoint?: string };
      if (message.type === 'ready' && message.endpoint !== undefined) return message.endpoint;
      throw new Error(`the embedded AWS did not start: ${line}`);
    }
  } finally {
    clearTimeout(timer);
  }
  throw new Error('the embedded AWS ended before it was ready');
}

async function measure(endpointUrl: string): Promise<number> {
  const parts = partsOf(endpointUrl);
  const bootstrap = createBootstrap({ ...parts, identity: createIdentity(parts) });
  await bootstrap.ensureStateBucket();
  await bootstrap.ensureLockTable();
  say(`writing ${EVENTS} events, one object each`);
  await fill(parts);
  const ledger = createS3Ledger(parts);
  const singles = await timed(() => ledger.load());
  say(`load from single objects: ${figure(singles.ms)}`);
  let last = singles.value.at(-1);
  for (let count = 0; count < SEALING_APPENDS; count += 1) {
    const append = await timed(() => ledger.append(last, { type: 'environment.destroyed' }));
    say(`append, with the segments that it found due: ${figure(append.ms)}`);
    last = append.value;
  }
  const audit = await timed(() => ledger.audit());
  const faults = [...audit.value.problems, ...audit.value.notes];
  say(`verify, every object read: ${figure(audit.ms)}, ${faults.length} findings`);
  const runs = Array.from({ length: ROUNDS }, () => loadInNewProcess(endpointUrl)).sort((a, b) => a - b);
  parts.session.close();
  const median = runs[Math.floor(ROUNDS / 2)] ?? Number.POSITIVE_INFINITY;
  const met = median < GOAL_MS && faults.length === 0;
  say(
    `load from segments, chain verified, in a new process: median ${figure(median)} of ${ROUNDS}, ` +
      `slowest ${figure(runs.at(-1) ?? 0)} (load average ${(loadavg()[0] ?? 0).toFixed(1)}); goal under ${figure(GOAL_MS)}: ${met ? 'met' : 'MISSED'}`,
  );
  return met ? 0 : 1;
}

/** As other writers would have, without the waiting for one another. */
async function fill(parts: ReturnType<typeof partsOf>): Promise<void> {
  const store = createLedgerStore(parts);
  const bodies: { readonly key: string; readonly body: string }[] = [];
  let last: LedgerEvent | undefined;
  while (bodies.length < EVENTS) {
    const time = new Date().toISOString();
    last = nextEvent(last, { time, actor: ACTOR, payload: payloadOf(bodies.length) });
    bodies.push({ key: keyOfSequence(last.sequence), body: renderLedgerObject(last) });
  }
  for (let start = 0; start < bodies.length; start += PARALLEL_WRITES) {
    const batch = bodies.slice(start, start + PARALLEL_WRITES);
    await Promise.all(batch.map(({ key, body }) => store.putOnce(key, body)));
  }
}

function payloadOf(index: number): LedgerPayload {
  const deployment = `d-${String(index - (index % 2)).padStart(10, '0')}`;
  if (index % 2 === 1) return { type: 'deployment.succeeded', deployment };
  const digest = `sha256:${String(index).padStart(64, 'a')}`;
  const release = {
    id: `r-${String(index).padStart(12, '0')}`,
    imageDigest: digest,
    terraformHash: 'b'.repeat(64),
    sourceCommit: 'c'.repeat(40),
  };
  const image = `123456789012.dkr.ecr.us-east-1.amazonaws.com/shop@${digest}`;
  return { type: 'deployment.started', deployment, release, image, kind: 'deploy' };
}

function loadInNewProcess(endpointUrl: string): number {
  const run = spawnSync(process.execPath, [self, LOAD_ARGUMENT, endpointUrl], {
    encoding: 'utf8',
    timeout: LOAD_TIMEOUT_MS,
  });
  if (run.status !== 0) throw new Error(`loading failed: ${run.stdout}${run.stderr}`);
  return (JSON.parse(run.stdout) as { readonly ms: number }).ms;
}

async function timed<T>(work: () => Promise<T>): Promise<{ readonly ms: number; readonly value: T }> {
  const started = performance.now();
  const value = await work();
  return { ms: performance.now() - started, value };
}

function figure(ms: number): string {
  return `${Math.round(ms)} ms`;
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
