/** The import table of the architecture, enforced on every source file; and proof that the check can fail. */
import { existsSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { judgeImport } from './import-rules.ts';
import { importsOf, maskSource } from './masked-source.ts';
import { ROOT, repositoryFiles } from './repository-files.ts';

const sources = repositoryFiles().filter(({ path }) => /\.(?:ts|tsx|mts|mjs|js)$/.test(path));
const imports = sources.flatMap(({ path, text }) =>
  importsOf(text).map((found) => ({ file: path, ...found })),
);

describe('the repository', () => {
  it('has sources with imports', () => {
    expect(imports.length).toBeGreaterThan(100);
  });

  it('imports only what the table allows', () => {
    const violations = imports.flatMap((found) => {
      const violation = judgeImport(found);
      return violation === undefined ? [] : [`${violation} (line ${found.line})`];
    });
    expect(violations).toEqual([]);
  });

  it('names modules by files that exist', () => {
    const missing = imports
      .filter(
        ({ file, specifier }) =>
          specifier.startsWith('.') && !/\/dist\//.test(specifier) && !file.startsWith('test/rules/'),
      )
      .filter(({ file, specifier }) => !existsSync(posix.join(ROOT, posix.dirname(file), specifier)))
      .map(({ file, specifier, line }) => `${file}:${line} imports ${specifier}`);
    expect(missing).toEqual([]);
  });

  it('keeps the domain free of asynchrony, clock, chance and environment', () => {
    const impure =
      /\basync\b|\bawait\b|\bPromise\b|\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bprocess\.|\bfetch\(|\bset(?:Timeout|Interval)\b|\brandom(?:UUID|Bytes)\b/;
    const violations = sources
      .filter(({ path }) => path.startsWith('towpath/src/domain/') && !path.endsWith('.test.ts'))
      .flatMap(({ path, text }) =>
        maskSource(text)
          .code.split('\n')
          .flatMap((line, index) => (impure.test(line) ? [`${path}:${index + 1} ${line.trim()}`] : [])),
      );
    expect(violations).toEqual([]);
  });
});

describe('judgeImport', () => {
  it.each([
    ['towpath/src/domain/release.ts', './names.ts'],
    ['towpath/src/domain/release.ts', 'node:crypto'],
    ['towpath/src/domain/release.test.ts', 'fast-check'],
    ['towpath/src/ports.ts', './domain/plan.ts'],
    ['towpath/src/actions/deploy.ts', '../config/load.ts'],
    ['towpath/src/actions/deploy.ts', '../ports.ts'],
    ['towpath/src/adapters/aws/ecs.ts', '../../domain/errors.ts'],
    ['towpath/src/adapters/aws/ecs.ts', '@aws-sdk/client-ecs'],
    ['towpath/src/cli/main.ts', '../actions/deploy.ts'],
    ['towpath/src/main.ts', './adapters/aws/ecs.ts'],
    ['towpath/src/main.ts', '../../local-aws/src/start.ts'],
    ['towpath/src/main.ts', 'local-aws/src/start.ts'],
    ['towpath/src/actions/deploy.test.ts', '../adapters/memory/cloud.ts'],
    ['towpath/test/contracts/ledger.wire.test.ts', '../../src/adapters/ledger/s3.ts'],
    ['towpath.config.ts', 'towpath'],
    ['test/journeys/deploy.test.ts', '../support/run-cli.ts'],
    ['app/src/main.ts', './config.ts'],
  ])('lets %s import %s', (file, specifier) => {
    expect(judgeImport({ file, specifier, typeOnly: false })).toBeUndefined();
  });

  it.each([
    ['towpath/src/domain/release.ts', '../ports.ts'],
    ['towpath/src/domain/release.ts', 'node:fs'],
    ['towpath/src/domain/release.ts', 'zod'],
    ['towpath/src/ports.ts', './config/load.ts'],
    ['towpath/src/ports.ts', 'node:stream'],
    ['towpath/src/config/load.ts', '../ports.ts'],
    ['towpath/src/actions/deploy.ts', '../adapters/aws/ecs.ts'],
    ['towpath/src/actions/deploy.ts', '../cli/view.ts'],
    ['towpath/src/adapters/aws/ecs.ts', '../../actions/deploy.ts'],
    ['towpath/src/adapters/aws/ecs.ts', '../../config/load.ts'],
    ['towpath/src/cli/main.ts', '../adapters/aws/ecs.ts'],
    ['towpath/src/cli/main.ts', '../server/server.ts'],
    ['towpath/src/cli/main.ts', 'local-aws/src/start.ts'],
    ['towpath/src/adapters/local.ts', '../../../local-aws/src/contract.ts'],
    ['local-aws/src/gateway.ts', '../../towpath/src/domain/names.ts'],
    ['local-aws/src/gateway.ts', 'towpath'],
    ['app/src/main.ts', '../../local-aws/src/contract.ts'],
    ['test/journeys/deploy.test.ts', '../../towpath/src/domain/names.ts'],
    ['test/support/run-cli.ts', '../journeys/deploy.ts'],
    ['towpath/build.mjs', './src/main.ts'],
    ['unknown/file.ts', './other.ts'],
  ])('does not let %s import %s', (file, specifier) => {
    expect(judgeImport({ file, specifier, typeOnly: true })).toContain(file);
  });

  it('lets the console have types of the contract, and types only', () => {
    const contract = { file: 'console/src/api.ts', specifier: '../../towpath/src/server/contract.ts' };
    expect(judgeImport({ ...contract, typeOnly: true })).toBeUndefined();
    expect(judgeImport({ ...contract, typeOnly: false })).toContain('only types');
  });
});
