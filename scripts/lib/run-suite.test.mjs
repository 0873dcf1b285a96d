/** Tests of what the suites count and what the set-up proposes; pure. */
import { describe, expect, it } from 'vitest';
import {
  isAtLeast,
  parseTerraformVersion,
  pythonInstallation,
  requireNode,
  terraformInstallation,
} from './required-tools.mjs';
import { renderTotal, sumCounts } from './run-suite.mjs';
import { exitCodeOf } from './setup-error.mjs';
import { countTests } from './vitest-project.mjs';

const report = (passed, failed, extra = {}) => ({
  numPassedTests: passed,
  numFailedTests: failed,
  numPendingTests: 0,
  numTodoTests: 0,
  testResults: [],
  ...extra,
});

describe('countTests', () => {
  it('takes the numbers of the report', () => {
    expect(countTests(report(5, 0), 0)).toEqual({ passed: 5, failed: 0, skipped: 0 });
    expect(countTests(report(5, 2), 1)).toEqual({ passed: 5, failed: 2, skipped: 0 });
    expect(countTests(report(5, 0, { numPendingTests: 2, numTodoTests: 1 }), 0)).toEqual({
      passed: 5,
      failed: 0,
      skipped: 3,
    });
  });

  it.each([
    ['no report', undefined, 1],
    ['no test', report(0, 0), 0],
    ['only skipped tests', report(0, 0, { numPendingTests: 3 }), 0],
    ['an error outside the tests', report(5, 0), 1],
    ['a run ended by a signal', report(5, 0), null],
    [
      'a file that did not load',
      report(5, 0, { testResults: [{ status: 'failed', assertionResults: [] }] }),
      1,
    ],
  ])('counts %s as one failure', (_what, given, code) => {
    expect(countTests(given, code).failed).toBe(1);
  });

  it('counts a failed test once, not its file as well', () => {
    const testResults = [
      { status: 'failed', assertionResults: [{ status: 'failed' }, { status: 'passed' }] },
    ];
    expect(countTests(report(1, 1, { testResults }), 1).failed).toBe(1);
  });
});

describe('renderTotal', () => {
  it('closes with passed and failed, and skipped only where there are some', () => {
    const outcomes = [
      { counts: { passed: 3, failed: 0, skipped: 0 } },
      { counts: { passed: 4, failed: 1, skipped: 0 } },
    ];
    expect(renderTotal(sumCounts(outcomes))).toBe('7 passed, 1 failed');
    expect(renderTotal({ passed: 1, failed: 0, skipped: 2 })).toBe('1 passed, 0 failed, 2 skipped');
  });
});

describe('exitCodeOf', () => {
  it('is the code, or 128 and the signal', () => {
    expect(exitCodeOf({ code: 3, signal: null })).toBe(3);
    expect(exitCodeOf({ code: null, signal: 'SIGTERM' })).toBe(143);
  });
});

describe('versions', () => {
  it.each([
    ['20.12.0', [20, 12], true],
    ['20.11.9', [20, 12], false],
    ['18.20.0', [20, 12], false],
    ['22.0.0', [20, 12], true],
    ['1.9.8', [1, 11], false],
    ['1.11.0-rc1', [1, 11], true],
    ['2.0.0', [1, 11], true],
  ])('%s against %j', (version, least, expected) => {
    expect(isAtLeast(version, least)).toBe(expected);
  });

  it('are read from JSON, and nothing else', () => {
    expect(parseTerraformVersion('{"terraform_version":"1.11.4"}')).toBe('1.11.4');
    expect(parseTerraformVersion('Terraform v1.11.4')).toBeUndefined();
    expect(parseTerraformVersion('{}')).toBeUndefined();
  });

  it('of Node that are too old are refused with a command', () => {
    expect(() => requireNode('18.19.0')).toThrow(/18\.19\.0[\s\S]*install it with/);
    expect(() => requireNode('20.20.2')).not.toThrow();
  });
});

describe('installation commands', () => {
  it('fit the system', () => {
    expect(terraformInstallation({ platform: 'darwin', arch: 'arm64', manager: 'brew' })).toMatch(
      /^brew install/,
    );
    expect(terraformInstallation({ platform: 'linux', arch: 'arm64', manager: 'apt-get' })).toContain(
      'linux_arm64.zip',
    );
    expect(terraformInstallation({ platform: 'linux', arch: 'x64', manager: undefined })).toContain(
      'linux_amd64.zip',
    );
    expect(pythonInstallation({ manager: 'apt-get' })).toContain('python3-venv');
    expect(pythonInstallation({ manager: undefined })).toContain('python3');
  });
});
