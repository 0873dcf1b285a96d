/** The end of the local development stack, on a program that plays it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { sampleProject } from '../../../test/fakes/sample-project.ts';
import type { StackPort } from '../../ports.ts';
import { createLocalStack } from './local-stack.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'local-stack-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function open(program: string): StackPort {
  const entry = join(root, 'stack.mjs');
  writeFileSync(entry, `const say = (line) => console.log(JSON.stringify(line));\n${program}\n`);
  const dirs = { stateDir: join(root, 'stack'), localAwsDir: join(root, 'local') };
  return createLocalStack({ entry, root, project: sampleProject([]), ...dirs });
}

it.each([
  [true, 'leftovers ended'],
  [false, 'not running'],
])('without a running one: found anything %s, %s', async (found, outcome) => {
  const program = `if (process.argv.at(-1) === '--clean') say({ type: 'cleaned', found: ${found} });`;
  expect(await open(program).stop()).toBe(outcome);
});

it('passes on why what is there can not be ended', async () => {
  const refusing = open(
    `say({ type: 'error', message: 'A stack runs already: process 7, it is still starting.', hint: 'kill 7' });\nprocess.exit(1);`,
  );
  await expect(refusing.stop()).rejects.toMatchObject({
    code: 'STACK_START_FAILED',
    message:
      'The local development stack was not ended: A stack runs already: process 7, it is still starting.',
    hint: 'kill 7',
  });
});

it('shows what a program that breaks has written', async () => {
  await expect(open(`console.error('no space left');\nprocess.exit(7);`).stop()).rejects.toMatchObject({
    code: 'STACK_START_FAILED',
    message: expect.stringContaining('no space left'),
  });
});
