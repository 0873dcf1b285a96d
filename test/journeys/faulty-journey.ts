/** A journey whose commands are killed, and whose AWS refuses to answer; the environment is `test`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { type FaultyAws, startFaultyAws } from '../support/faulty-aws.ts';
import { killTree, processTree, type RunningProcess, survivorsAfter } from '../support/process-tree.ts';
import type { CommandResult, RunningCommand } from '../support/run-command.ts';
import { terraformByHand } from '../support/terraform-by-hand.ts';
import { Journey, lastJson } from './environment.ts';

/** What is killed: the command alone (Terraform then ends by itself), or Terraform too, as in a power cut. */
export type Death = 'alone' | 'with Terraform';

/** Terraform that was interrupted finishes the resource at hand; none takes longer before the load balancer's turn. */
const TERRAFORM_END_LIMIT_MS = 45_000;

export class FaultyJourney extends Journey {
  #aws: FaultyAws | undefined;

  /** What commands take for the embedded AWS; there once the journey is up. */
  get aws(): FaultyAws {
    if (this.#aws === undefined) throw new Error('the journey is not up');
    return this.#aws;
  }

  override async up(): Promise<void> {
    await super.up();
    this.#aws = await startFaultyAws(this.endpoint);
    // Commands find the embedded AWS through this file: from here on they reach it through the one that can refuse.
    const file = join(this.project.path, '.towpath', 'local', 'local.json');
    const local = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    writeFileSync(file, JSON.stringify({ ...local, endpoint: this.#aws.endpoint }));
  }

  override async down(): Promise<void> {
    await this.#aws?.close();
    await super.down();
  }

  deploy(): RunningCommand {
    return this.start(['deploy', 'test', '--generate-secrets']);
  }

  /** Kills it, and waits until nothing that it started runs any more. */
  async kill(command: RunningCommand, death: Death): Promise<void> {
    // What it started after we had looked would be missed.
    command.signal('SIGSTOP');
    const seen: readonly RunningProcess[] = processTree(command.pid);
    if (death === 'alone') command.signal('SIGKILL');
    else killTree(command.pid);
    await command.ended;
    expect(await survivorsAfter(seen, TERRAFORM_END_LIMIT_MS), 'processes left behind').toEqual([]);
  }

  /** `status` says what was going on, `unlock` frees what was left. */
  async mend(pid: number, expected: { readonly open: boolean | undefined }): Promise<void> {
    const told = await this.status('test');
    expect(told.lock).toMatchObject({ pid, liveness: 'dead' });
    expect(told.unfinished).toMatchObject({ next: 'towpath unlock test' });
    const open = told.lastDeployment?.state === 'running';
    if (expected.open !== undefined) expect(open, told.unfinished?.text).toBe(expected.open);
    if (open) expect(told.unfinished?.text).toContain(`deployment ${told.lastDeployment?.id} `);
    await this.unlock();
    if (!open) return;
    const next = (await this.status('test')).unfinished?.next;
    expect(next).toContain('towpath deploy test goes on with');
  }

  async unlock(): Promise<void> {
    const unlocked = await this.run(['unlock', 'test', '--json']);
    expect(unlocked.exitCode, unlocked.stdout).toBe(0);
    expect(lastJson(unlocked)).toMatchObject({ holder: { liveness: 'dead' } });
    expect(lastJson(unlocked).freed).toContain('environment lock');
  }

  /** The same command again ends well, and everybody agrees on what runs. */
  async finish(): Promise<CommandResult> {
    const result = await this.deploy().ended;
    expect(result.exitCode, result.stdout.slice(-2_000) + result.stderr).toBe(0);
    const { current, service, ...told } = await this.status('test');
    expect(told.unfinished).toBeUndefined();
    expect(told.lock).toBeUndefined();
    const digest = current?.release.imageDigest;
    expect(service?.tasks.map(({ imageDigest }) => imageDigest)).toEqual([digest]);
    return result;
  }

  /** A plan of Terraform by hand, with neither Towpath nor anything that refuses in between. */
  async expectEmptyPlan(): Promise<void> {
    const { current } = await this.status('test');
    const flags = ['-input=false', '-no-color'];
    const hand = terraformByHand({
      cwd: join(this.project.path, 'infra'),
      endpoint: this.endpoint,
      env: { TF_DATA_DIR: join(this.project.path, '.by-hand') },
    });
    try {
      const init = await hand.run(['init', ...flags, '-backend-config=envs/test/backend.hcl']);
      expect(init.exitCode, init.stderr).toBe(0);
      const variables = ['-var-file=envs/test/terraform.tfvars.json', `-var=image=${current?.image}`];
      const plan = await hand.run(['plan', '-detailed-exitcode', ...flags, ...variables]);
      expect(plan.exitCode, plan.stdout.slice(-3_000) + plan.stderr).toBe(0);
    } finally {
      hand.remove();
    }
  }
}
