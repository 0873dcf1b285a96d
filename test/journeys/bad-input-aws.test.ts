/**
 * What goes wrong between the tool and an AWS: programs, accounts, names that others own, files out of step, a control
 * plane that dies. Each is told with the next command, and the next command then works.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { processTree } from '../support/process-tree.ts';
import { runCli } from '../support/run-cli.ts';
import { startStrangerBucket } from '../support/stranger-bucket.ts';
import { Journey, lastJson, untilOutput } from './environment.ts';
import { expectFailure } from './expect-failure.ts';

const TAKEN_BUCKET = 'taken-by-somebody-else';
const DEPLOY = ['deploy', 'test', '--generate-secrets'];
const ANY_KEYS = { AWS_ACCESS_KEY_ID: 'any', AWS_SECRET_ACCESS_KEY: 'any' };
const STEP_LIMIT_MS = 60_000;
const MOTO_DEATH_LIMIT_MS = 30_000;

let journey: Journey;

beforeAll(async () => {
  journey = new Journey();
  await journey.up();
});
afterAll(async () => journey?.down());

/** A folder of programs that holds git and what is written into it. */
function programs(name: string, terraform?: string): string {
  const folder = join(journey.project.path, '.towpath', name);
  mkdirSync(folder, { recursive: true });
  for (const program of ['git', 'node', 'setpriv', 'ps']) {
    const found = (process.env.PATH ?? '').split(':').map((each) => join(each, program));
    const path = found.find((candidate) => existsSync(candidate));
    if (path !== undefined) symlinkSync(path, join(folder, program));
  }
  if (terraform !== undefined) {
    writeFileSync(join(folder, 'terraform'), terraform);
    chmodSync(join(folder, 'terraform'), 0o755);
  }
  return folder;
}

/** Runs the work with a changed configuration, and puts the old one back. */
async function withConfiguration(change: (text: string) => string, work: () => Promise<void>) {
  const file = join(journey.project.path, 'towpath.config.ts');
  const before = readFileSync(file, 'utf8');
  journey.edit('towpath.config.ts', change);
  try {
    await work();
  } finally {
    writeFileSync(file, before);
    await journey.run(['sync']);
  }
}

const setting = (text: string) => (config: string) =>
  config.replace("name: 'test',", `name: 'test', ${text},`);

describe('on the embedded AWS', () => {
  it('a missing Terraform is named, with how to get it', async () => {
    const PATH = programs('without-terraform');
    await expectFailure(
      (more) => journey.run([...DEPLOY, ...more], { env: { PATH }, timeoutMs: STEP_LIMIT_MS }),
      {
        exitCode: 1,
        code: 'TERRAFORM_NOT_FOUND',
        says: [/Terraform is not on the PATH/],
        hint: /install/,
      },
    );
  });

  it('a Terraform that is too old is named, with its place and what is needed', async () => {
    const PATH = programs('with-old-terraform', '#!/bin/sh\necho \'{"terraform_version":"1.5.7"}\'\n');
    await expectFailure(
      (more) => journey.run([...DEPLOY, ...more], { env: { PATH }, timeoutMs: STEP_LIMIT_MS }),
      {
        exitCode: 1,
        code: 'TERRAFORM_TOO_OLD',
        says: [/Terraform 1\.5\.7 at .*with-old-terraform.*1\.11 or newer/],
        hint: /install/,
      },
    );
  });

  it('files out of step with the configuration are refused until they are written', async () => {
    const change = (config: string) => config.replace('10.3.0.0/16', '10.4.0.0/16');
    await withConfiguration(change, async () => {
      await expectFailure((more) => journey.run([...DEPLOY, ...more]), {
        exitCode: 2,
        code: 'ENVIRONMENT_FILES_STALE',
        says: [/infra\/envs\/test\/terraform\.tfvars\.json/],
        hint: /towpath sync/,
      });
      expect((await journey.run(['sync'])).exitCode).toBe(0);
      expect((await journey.run(['sync', '--check'])).exitCode).toBe(0);
    });
  });

  it("somebody else's bucket is named, with the setting that avoids it", async () => {
    const stranger = await startStrangerBucket(journey.endpoint, TAKEN_BUCKET);
    try {
      await withConfiguration(setting(`stateBucket: '${TAKEN_BUCKET}'`), async () => {
        await journey.run(['sync']);
        const env = { ...ANY_KEYS, AWS_ENDPOINT_URL: stranger.endpoint, TOWPATH_TARGET: '' };
        await expectFailure((more) => journey.run([...DEPLOY, ...more], { env }), {
          exitCode: 1,
          code: 'BUCKET_TAKEN',
          says: [new RegExp(`Somebody else owns the bucket name ${TAKEN_BUCKET}`)],
          hint: /`stateBucket` of test in towpath\.config\.ts.*towpath sync/,
        });
      });
    } finally {
      await stranger.close();
    }
  });

  it('another account than the configured one is refused before anything is asked of it', async () => {
    await withConfiguration(setting("account: '210987654321'"), async () => {
      await journey.run(['sync']);
      const env = { ...ANY_KEYS, AWS_ENDPOINT_URL: journey.endpoint, TOWPATH_TARGET: '' };
      await expectFailure((more) => journey.run([...DEPLOY, ...more], { env }), {
        exitCode: 1,
        code: 'WRONG_ACCOUNT',
        says: [/test belongs to account 210987654321.*in account 123456789012/],
        hint: /sign in to account 210987654321/,
      });
    });
  });

  it('none of it stands in the way of the right command', async () => {
    const plan = await journey.run(['plan', 'test', '--from-source', '--json']);
    expect(plan.exitCode, plan.stdout).toBe(0);
    expect((await journey.status('test')).lock).toBeUndefined();
  });

  it('a control plane that dies ends the deployment at once, and the next start goes on from there', async () => {
    const deployment = journey.start(DEPLOY);
    await untilOutput(deployment, 'create module.ecs', STEP_LIMIT_MS);
    const { pid } = lastJson(await journey.run(['local', 'status', '--json']));
    const moto = processTree(Number(pid)).find(({ command }) => command.includes('moto_server'));
    process.kill(moto?.pid ?? Number.NaN, 'SIGKILL');
    const diedAt = Date.now();
    const result = await deployment.ended;
    expect(Date.now() - diedAt, result.stdout).toBeLessThan(MOTO_DEATH_LIMIT_MS);
    expect(result.exitCode, result.stdout + result.stderr).toBe(1);
    expect(result.stderr).toContain('The embedded AWS ended while terraform apply ran');
    expect(result.stderr).toMatch(/next: .*towpath local up/);
    expect(result.stderr).not.toMatch(/^\s+at /m);

    await expectFailure((more) => journey.run(['status', 'test', ...more]), {
      exitCode: 1,
      code: 'LOCAL_NOT_RUNNING',
      says: [/not running/],
      hint: /towpath local up/,
    });
    await journey.up();
    await expectFailure((more) => journey.run([...DEPLOY, ...more]), {
      exitCode: 1,
      code: 'LOCK_HELD',
      says: [/is gone/],
      hint: /towpath unlock test/,
    });
    expect((await journey.run(['unlock', 'test'])).exitCode).toBe(0);
    const plan = await journey.run(['plan', 'test', '--from-source', '--json']);
    expect(plan.exitCode, plan.stdout).toBe(0);
  });

  it('an endpoint where nothing answers is named', async () => {
    const { path } = journey.project;
    const env = { ...ANY_KEYS, AWS_ENDPOINT_URL: 'http://127.0.0.1:9' };
    await expectFailure(
      (more) => runCli(['status', 'test', ...more], { cwd: path, env, timeoutMs: STEP_LIMIT_MS }),
      {
        exitCode: 1,
        code: 'AWS_UNREACHABLE',
        says: [/ECONNREFUSED/],
        hint: /network/,
      },
    );
  });
});
