/**
 * What the embedded AWS held is there after `local down` and `local up`, and after the kill of everything it runs:
 * for Towpath, for plain Terraform and for whoever asks the service. The steps build on each other.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { killTree, processTree, survivorsAfter } from '../support/process-tree.ts';
import { terraformByHand } from '../support/terraform-by-hand.ts';
import { Journey, lastJson } from './environment.ts';
import { expectFailure } from './expect-failure.ts';

/** A name of its own: another journey's load balancer of the same name may hold the port when this one comes back. */
const PROJECT = 'kept-app';
const LOG_GROUP = `/ecs/${PROJECT}-test`;
const DIED_LIMIT_MS = 10_000;

interface Back {
  readonly pid: number;
  readonly endpoint: string;
  readonly restored: { readonly calls: number; readonly failedCalls: number };
  readonly back?: { readonly environments: number; readonly desired: number; readonly running: number };
}

let journey: Journey;
let url = '';
let releaseId = '';
let imageDigest = '';

beforeAll(async () => {
  journey = new Journey();
  journey.edit('towpath.config.ts', (text) => text.replace("project: 'devops-app'", `project: '${PROJECT}'`));
  await journey.up();
  const synced = await journey.run(['sync']);
  expect(synced.exitCode, synced.stderr).toBe(0);
  const deployed = await journey.run(['deploy', 'test', '--generate-secrets', '--json']);
  expect(deployed.exitCode, deployed.stdout.slice(-2_000)).toBe(0);
  const result = lastJson(deployed) as { url: string; release: { id: string; imageDigest: string } };
  url = result.url;
  releaseId = result.release.id;
  imageDigest = result.release.imageDigest;
});

afterAll(() => journey?.down());

async function up(): Promise<Back> {
  const result = await journey.run(['local', 'up', '--json']);
  expect(result.exitCode, result.stdout + result.stderr).toBe(0);
  return lastJson(result) as unknown as Back;
}

async function expectAsBefore(back: Back): Promise<void> {
  expect(back).toMatchObject({
    restored: { failedCalls: 0 },
    back: { environments: 1, desired: 1, running: 1 },
  });
  const answer = (await (await fetch(url)).json()) as object;
  expect(answer).toMatchObject({ environment: 'test', secretPresent: true, imageDigest });
  const status = await journey.status('test');
  expect(status).toMatchObject({
    current: { release: { id: releaseId } },
    lastDeployment: { state: 'succeeded' },
    service: { url, desired: 1, running: 1 },
  });
  expect(status.lock).toBeUndefined();
  const history = await journey.run(['history', 'test', '--verify', '--json']);
  expect(history.exitCode, history.stdout + history.stderr).toBe(0);
  expect(await countLogLines(back.endpoint)).toBeGreaterThan(0);
  await expectEmptyPlan(back.endpoint);
}

async function expectEmptyPlan(endpoint: string): Promise<void> {
  const hand = terraformByHand({
    cwd: `${journey.project.path}/infra`,
    endpoint,
    // Not in git's sight: it would make the next deployment another release.
    env: { TF_DATA_DIR: `${journey.project.path}/.towpath/by-hand` },
  });
  try {
    const quiet = ['-input=false', '-no-color'];
    const init = await hand.run(['init', ...quiet, '-reconfigure', '-backend-config=envs/test/backend.hcl']);
    expect(init.exitCode, init.stderr).toBe(0);
    const { current } = await journey.status('test');
    const variables = ['-var-file=envs/test/terraform.tfvars.json', `-var=image=${current?.image}`];
    const plan = await hand.run(['plan', '-detailed-exitcode', ...quiet, ...variables]);
    expect(plan.exitCode, plan.stdout.slice(-3_000) + plan.stderr).toBe(0);
    // Not even the times of creation are other ones.
    expect(plan.stdout).not.toContain('changed outside of Terraform');
  } finally {
    hand.remove();
  }
}

/** Lines of tasks that ended before the last start. */
async function countLogLines(endpoint: string): Promise<number> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      authorization: 'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/logs/aws4_request',
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': 'Logs_20140328.FilterLogEvents',
    },
    body: JSON.stringify({ logGroupName: LOG_GROUP, endTime: startedAt }),
  });
  const { events } = (await response.json()) as { events: readonly object[] };
  return events.length;
}

let startedAt = 0;

describe('an environment', () => {
  it('is back after local down and local up', async () => {
    const down = await journey.run(['local', 'down']);
    expect(down.stdout).toContain('brings back what it held');
    startedAt = Date.now();
    await expectAsBefore(await up());
  });

  it('is back after the kill of everything that runs', async () => {
    const { pid } = (await up()) as Back;
    const seen = processTree(pid);
    killTree(pid);
    expect(await survivorsAfter(seen, DIED_LIMIT_MS)).toEqual([]);
    startedAt = Date.now();
    const forPeople = await journey.run(['local', 'up']);
    expect(forPeople.stdout).toContain('1 environment back: 1 task running');
    const status = lastJson(await journey.run(['local', 'status', '--json'])) as unknown as Back;
    await expectAsBefore({ ...status, back: { environments: 1, desired: 1, running: 1 } });
  });

  it('is left as it is by another deployment of the same source', async () => {
    const again = await journey.run(['deploy', 'test', '--json']);
    expect(again.exitCode, again.stdout.slice(-2_000)).toBe(0);
    expect(lastJson(again)).toMatchObject({ changed: false, release: { id: releaseId } });
  });

  it('is forgotten by local down --purge', async () => {
    const purged = await journey.run(['local', 'down', '--purge', '--json']);
    expect(lastJson(purged)).toMatchObject({ outcome: 'stopped', purged: 'forgotten' });
    const again = await journey.run(['local', 'down', '--purge', '--json']);
    expect(lastJson(again)).toMatchObject({ outcome: 'not running', purged: 'nothing to forget' });
    await expectFailure((more) => journey.run(['status', 'test', ...more]), {
      exitCode: 1,
      code: 'LOCAL_NOT_RUNNING',
      says: [/not running/],
      hint: /towpath local up/,
    });
    const fresh = await up();
    expect(fresh.restored.calls).toBe(0);
    expect((await journey.status('test')).bootstrapped).toBe(false);
  });
});
