/** The house rules on every file of the repository; and for each rule, a file that breaks it. */
import { describe, expect, it } from 'vitest';
import { HOUSE_RULES } from './house-rules.ts';
import { repositoryFiles } from './repository-files.ts';

const findings = (rule: string, path: string, text: string) =>
  HOUSE_RULES[rule]?.({ path, text }) ?? ['no such rule'];

describe.each(Object.entries(HOUSE_RULES))('%s', (_name, rule) => {
  it('everywhere', () => {
    expect(repositoryFiles().flatMap(rule)).toEqual([]);
  });
});

describe('a file that breaks a rule is named', () => {
  const slash = '/';
  it.each([
    ['files stay short', 'a.ts', '\n'.repeat(401)],
    ['files stay short', 'a.test.ts', '\n'.repeat(501)],
    ['files stay short', 'main.tf', '\n'.repeat(401)],
    ['files and folders have kebab-case names', 'towpath/src/loadProject.ts', ''],
    ['files and folders have kebab-case names', 'towpath/load_project/a.ts', ''],
    ['no file is named for being useful', 'app/src/utils.ts', ''],
    ['no file is named for being useful', 'app/src/task-manager.ts', ''],
    ['no file is named for being useful', 'app/src/test-helpers.ts', ''],
    ['every source file starts with what it is for', 'a.ts', "import './b.ts';\n"],
    ['every source file starts with what it is for', 'main.tf', 'resource "aws_vpc" "this" {}\n'],
    ['every source file starts with what it is for', 'a.sh', '#!/bin/bash\nset -e\n'],
    ['nothing names a path of one machine', 'a.md', `see ${slash}work/main`],
    ['nothing names a path of one machine', 'a.ts', `const a = '${slash}root/x';`],
    [
      'nothing names the host of a package registry',
      '.npmrc',
      ['registry=https://registry', 'npmjs', 'org'].join('.'),
    ],
    ['lock files name no download address', 'package-lock.json', '"resolved": "https://example.com/a.tgz"'],
    ['no test is skipped or run alone', 'a.test.ts', "it.skip('x', () => {});"],
    ['no test is skipped or run alone', 'a.test.ts', "describe.only('x', () => {});"],
    ['no work is left for later', 'a.ts', `// TO${''}DO: more`],
  ])('%s: %s', (rule, path, text) => {
    expect(findings(rule, path, text)).toHaveLength(1);
  });

  it.each([
    ['files stay short', 'a.md', '\n'.repeat(2_000)],
    ['files stay short', 'a.test.ts', '\n'.repeat(450)],
    ['files and folders have kebab-case names', 'docs/decisions/0001-load-balancer.md', ''],
    ['files and folders have kebab-case names', 'towpath/src/cli/deploy.wire.test.ts', ''],
    ['files and folders have kebab-case names', '.ci/run', ''],
    ['files and folders have kebab-case names', 'infra/README.md', ''],
    ['every source file starts with what it is for', 'a.mjs', '#!/usr/bin/env node\n/** Starts. */\n'],
    ['nothing names a path of one machine', 'main.tf', 'source = "./modules/network/"'],
    ['nothing names a path of one machine', 'a.ts', 'https://example.com/root/work/opt/'],
    ['no test is skipped or run alone', 'a.test.ts', "it('never uses it.skip(', () => {});"],
  ])('%s: not %s', (rule, path, text) => {
    expect(findings(rule, path, text)).toEqual([]);
  });
});
