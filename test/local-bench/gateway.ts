/**
 * What the gateway adds to calls that it only passes on, beside moto alone; and how long the embedded AWS takes to be
 * ready, beside moto alone. Both taken in turns, in one run.
 */
import { spawn } from 'node:child_process';
import { Agent, request } from 'node:http';
import { alternate, median } from '../bench/measure.ts';
import { REGION } from '../fixtures/account.ts';
import { type EmbeddedAws, startEmbeddedAws } from '../fixtures/embedded-aws.ts';
import { freePort } from '../support/free-port.ts';
import { killTree, processTree } from '../support/process-tree.ts';
import type { Goal } from './goal.ts';

const ROUNDS = 400;
const WARM_UP = 30;
const START_ROUNDS = 5;
const START_LIMIT_MS = 60_000;
const POLL_MS = 20;
const ADDED_GOAL_MS = 1;
const START_GOAL_MS = 500;

interface Call {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly service: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const json = (service: string, target: string, payload: object, name: string): Call => ({
  name,
  service,
  method: 'POST',
  path: '/',
  headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': target },
  body: JSON.stringify(payload),
});

const CALLS: readonly Call[] = [
  json('ssm', 'AmazonSSM.GetParameter', { Name: '/bench/value' }, 'ssm:GetParameter'),
  {
    name: 'ec2:DescribeVpcs',
    service: 'ec2',
    method: 'POST',
    path: '/',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'Action=DescribeVpcs&Version=2016-11-15',
  },
  { name: 's3:GetObject', service: 's3', method: 'GET', path: '/bench/key', headers: {}, body: '' },
];
const PREPARATION: readonly Call[] = [
  json(
    'ssm',
    'AmazonSSM.PutParameter',
    { Name: '/bench/value', Value: 'x'.repeat(200), Type: 'String' },
    'put',
  ),
  { name: 'bucket', service: 's3', method: 'PUT', path: '/bench', headers: {}, body: '' },
  { name: 'object', service: 's3', method: 'PUT', path: '/bench/key', headers: {}, body: 'x'.repeat(2_000) },
];
/** A write is journaled before it is answered; its cost is shown, and has no goal. */
const WRITE = json(
  'ssm',
  'AmazonSSM.PutParameter',
  { Name: '/bench/write', Value: 'x'.repeat(200), Type: 'String', Overwrite: true },
  'ssm:PutParameter',
);

export async function benchGateway(say: (line: string) => void): Promise<readonly Goal[]> {
  const goals: Goal[] = [await benchStart(say)];
  const aws = await startEmbeddedAws(1);
  try {
    for (const call of PREPARATION) await send(aws.endpoint, call);
    const moto = motoEndpoint(aws);
    for (const call of CALLS) goals.push(await benchCall(say, aws.endpoint, moto, call));
    await benchCall(say, aws.endpoint, moto, WRITE);
  } finally {
    await aws.stop();
    agent.destroy();
  }
  return goals;
}

async function benchCall(
  say: (line: string) => void,
  gateway: string,
  moto: string,
  call: Call,
): Promise<Goal> {
  const candidate = (name: string, endpoint: string) => ({ name, run: () => send(endpoint, call) });
  const candidates = [candidate('gateway', gateway), candidate('moto', moto)];
  await alternate(candidates, WARM_UP);
  const [ours, theirs] = await alternate(candidates, ROUNDS);
  const at = (runs: readonly number[] = [], share: number) =>
    [...runs].sort((a, b) => a - b)[Math.floor(runs.length * share)] ?? 0;
  const added = median(ours?.runs ?? []) - median(theirs?.runs ?? []);
  say(
    `${call.name}: median ${median(ours?.runs ?? []).toFixed(2)} ms, moto alone ${median(theirs?.runs ?? []).toFixed(2)} ms; p99 ${at(ours?.runs, 0.99).toFixed(2)} and ${at(theirs?.runs, 0.99).toFixed(2)} ms`,
  );
  return {
    what: `${call.name}: added by the gateway, median`,
    text: `${added.toFixed(2)} ms`,
    goal: `under ${ADDED_GOAL_MS} ms`,
    met: added < ADDED_GOAL_MS,
  };
}

async function benchStart(say: (line: string) => void): Promise<Goal> {
  const [ours, theirs] = await alternate(
    [
      {
        name: 'embedded AWS',
        run: async () => {
          const started = performance.now();
          const aws = await startEmbeddedAws(1);
          const elapsed = performance.now() - started;
          await aws.stop();
          return elapsed;
        },
      },
      { name: 'moto', run: startMotoAlone },
    ],
    START_ROUNDS,
  );
  const [own, alone] = [median(ours?.runs ?? []), median(theirs?.runs ?? [])];
  say(`start to ready: ${Math.round(own)} ms, moto alone ${Math.round(alone)} ms`);
  return {
    what: "start to ready, beyond moto's own",
    text: `${Math.round(own - alone)} ms`,
    goal: `at most ${START_GOAL_MS} ms`,
    met: own - alone <= START_GOAL_MS,
  };
}

/** Until it answers its first request. */
async function startMotoAlone(): Promise<number> {
  const port = await freePort();
  const started = performance.now();
  const child = spawn('moto_server', ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
  try {
    while (performance.now() - started < START_LIMIT_MS) {
      const answered = await fetch(`http://127.0.0.1:${port}/moto-api/`, {
        signal: AbortSignal.timeout(1_000),
      }).then(
        () => true,
        () => false,
      );
      if (answered) return performance.now() - started;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    throw new Error(`moto_server was not ready within ${START_LIMIT_MS} ms`);
  } finally {
    if (child.pid !== undefined) killTree(child.pid);
  }
}

/** Where the control plane of an embedded AWS listens, read from its command line. */
function motoEndpoint({ pid }: EmbeddedAws): string {
  const moto = processTree(pid).find(({ command }) => command.includes('moto_server'));
  const port = /-p (\d+)/.exec(moto?.command ?? '')?.[1];
  if (port === undefined) throw new Error(`no moto_server among the processes of ${pid}`);
  return `http://127.0.0.1:${port}`;
}

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

/** @returns milliseconds until the answer's last byte */
function send(endpoint: string, call: Call): Promise<number> {
  const scope = `test/20260101/${REGION}/${call.service}/aws4_request`;
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const outgoing = request(
      `${endpoint}${call.path}`,
      {
        method: call.method,
        agent,
        headers: {
          ...call.headers,
          'content-length': Buffer.byteLength(call.body),
          authorization: `AWS4-HMAC-SHA256 Credential=${scope}, SignedHeaders=host, Signature=0`,
        },
      },
      (response) => {
        response.resume();
        response.once('error', reject);
        response.once('end', () => {
          if ((response.statusCode ?? 500) < 300) resolve(performance.now() - started);
          else reject(new Error(`${call.name}: ${response.statusCode}`));
        });
      },
    );
    outgoing.once('error', reject);
    outgoing.end(call.body);
  });
}
