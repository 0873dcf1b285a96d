/** What is asked of the root and of every module alike: it is valid without a warning, and its tests pass. */
import { expect } from 'vitest';
import type { TerraformFolder } from './terraform-folder.ts';

interface Diagnostic {
  readonly severity: string;
  readonly summary: string;
  readonly detail: string;
}

/** One line of `terraform test -json`; other kinds of lines have none of these. */
export interface TestMessage {
  readonly '@testrun'?: string;
  readonly test_summary?: {
    readonly passed: number;
    readonly failed: number;
    readonly errored: number;
    readonly skipped: number;
  };
  readonly test_plan?: TestPlan;
  readonly diagnostic?: Diagnostic;
}

export interface TestPlan {
  readonly resource_changes?: readonly {
    readonly address: string;
    readonly type: string;
    readonly change: { readonly after: Readonly<Record<string, unknown>> | null };
  }[];
}

export async function initialise(infra: TerraformFolder, folder: string): Promise<void> {
  const result = await infra.run(folder, ['init', '-backend=false', '-input=false', '-no-color']);
  expect(result.exitCode, `terraform init in ${folder}: ${result.stderr}`).toBe(0);
}

export async function expectValid(infra: TerraformFolder, folder: string): Promise<void> {
  const { stdout } = await infra.run(folder, ['validate', '-json']);
  expect((JSON.parse(stdout) as { diagnostics: readonly Diagnostic[] }).diagnostics).toEqual([]);
}

export async function expectTestsPass(infra: TerraformFolder, folder: string): Promise<void> {
  const messages = parseTestMessages((await infra.run(folder, ['test', '-json'])).stdout);
  const problems = messages.flatMap((message) =>
    message.diagnostic === undefined
      ? []
      : [`${message['@testrun'] ?? folder}: ${message.diagnostic.summary}: ${message.diagnostic.detail}`],
  );
  expect(problems).toEqual([]);
  const summary = messages.find((message) => message.test_summary !== undefined)?.test_summary;
  expect(summary).toMatchObject({ failed: 0, errored: 0, skipped: 0 });
  expect(summary?.passed).toBeGreaterThan(0);
}

export function parseTestMessages(stdout: string): readonly TestMessage[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as TestMessage);
}
