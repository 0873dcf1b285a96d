/**
 * What a user gets wrong before anything reaches an AWS: the configuration, names, flags, credentials, programs that
 * are missing. Each is told in one go, and nothing is touched.
 */
import { chmodSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { cleanEnvironment, runCli } from '../support/run-cli.ts';
import { runCommand } from '../support/run-command.ts';
import { type TempProject, tempProject } from '../support/temp-project.ts';
import { expectFailure } from './expect-failure.ts';

/** Every one of these is known at once; a wait for something that is not there would show. */
const AT_ONCE_MS = 15_000;

let project: TempProject;
let goodConfiguration: string;

beforeAll(() => {
  project = tempProject();
  goodConfiguration = readFileSync(join(project.path, 'towpath.config.ts'), 'utf8');
});
afterAll(() => project?.remove());
beforeEach(() => configure(goodConfiguration));

function configure(text: string): void {
  writeFileSync(join(project.path, 'towpath.config.ts'), text);
}

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return runCli(args, { cwd: project.path, env, timeoutMs: AT_ONCE_MS });
}

/** A configuration with these settings. */
function projectWith(settings: string): string {
  return `import { defineProject } from 'towpath';\nexport default defineProject({\n${settings}\n});\n`;
}

async function git(...args: string[]): Promise<string> {
  const options = { cwd: project.path, env: cleanEnvironment(), timeoutMs: AT_ONCE_MS };
  return (await runCommand('git', args, options)).stdout;
}

async function expectNothingTouched(): Promise<void> {
  expect(await git('status', '--porcelain')).toMatch(/^(?: M towpath\.config\.ts\n)?$/);
  configure(goodConfiguration);
  expect(await run(['sync', '--check'])).toMatchObject({ exitCode: 0 });
}

describe('a configuration', () => {
  it('with many problems has all of them told at once, each with path, value and what is allowed', async () => {
    configure(
      projectWith(`
  project: 'Devops_App', owner: 'devops-team', colour: 'blue',
  service: {
    port: 70000, cpu: 256, memory: 8192, scalling: { min: 1 },
    scaling: { cpuPercent: 170 }, secrets: ['app-secret', 'app-secret'],
  },
  environments: [
    { name: 'test', cidr: '10.3.0.0/16' },
    { name: 'test', cidr: '10.3.128.0/17', nat: 'two' },
    { name: 'prod', cidr: '10.0.0.0/33', promotion: { trigger: 'sometimes', approvals: -1, soak: 'later' } },
  ],`),
    );
    await expectFailure((more) => run(['plan', 'test', ...more]), {
      exitCode: 2,
      code: 'CONFIG_INVALID',
      says: [
        /problems/,
        /project: .*lower-case letters.*"Devops_App"/,
        /colour: .*not a setting/,
        /service\.port: .*65535.*70000/,
        /service\.memory: .*8192 MiB.*512, 1024 or 2048/,
        /service\.scalling: .*did you mean "scaling"/,
        /service\.scaling\.cpuPercent: .*95.*170/,
        /service\.secrets\[1\]: "app-secret" is listed twice/,
        /environments\[1\]\.name: "test" is already the name of environments\[0\]/,
        /environments\[1\]\.nat: .*"per-az", "single", "none".*"two"/,
        /environments\[1\]\.cidr: 10\.3\.128\.0\/17 overlaps 10\.3\.0\.0\/16/,
        /environments\[2\]\.cidr: .*10\.3\.0\.0\/16.*10\.0\.0\.0\/33/,
        /environments\[2\]\.promotion\.trigger: .*"manual", "auto".*"sometimes"/,
        /environments\[2\]\.promotion\.approvals: .*at least 0.*-1/,
        /environments\[2\]\.promotion\.soak: .*"10m".*"later"/,
      ],
      hint: /correct .*towpath\.config\.ts/,
    });
    await expectNothingTouched();
  });

  it('has limits between values and on composed names told as well', async () => {
    configure(
      projectWith(`
  project: 'devops-app', owner: 'devops-team',
  service: { scaling: { min: 5, max: 2 } },
  environments: [
    { name: 'test', cidr: '10.3.0.0/16' },
    { name: 'an-environment-with-a-long-name', cidr: '10.9.0.0/16' },
  ],`),
    );
    await expectFailure((more) => run(['sync', ...more]), {
      exitCode: 2,
      code: 'CONFIG_INVALID',
      says: [
        /service\.scaling\.min: must be at most scaling\.max \(2\), got 5/,
        /environments\[1\]\.name: .*devops-app-an-environment-with-a-long-name.*AWS allows \d+/,
      ],
      hint: /correct/,
    });
    await expectNothingTouched();
  });

  it('that does not compile is shown with file, line and column', async () => {
    configure(
      "import { defineProject } from 'towpath';\nexport default defineProject({\n  owner: = 'y',\n});\n",
    );
    await expectFailure((more) => run(['sync', ...more]), {
      exitCode: 2,
      code: 'CONFIG_DOES_NOT_COMPILE',
      says: [/towpath\.config\.ts:3:10: Unexpected "="/],
      hint: /correct the file/,
    });
    await expectNothingTouched();
  });

  it('that throws is shown with the place that did', async () => {
    configure('const zones: string[] = [];\n\nexport default { zones: zones[0].toUpperCase() };\n');
    await expectFailure((more) => run(['sync', ...more]), {
      exitCode: 2,
      code: 'CONFIG_DOES_NOT_COMPILE',
      says: [/towpath\.config\.ts:3:\d+: .*toUpperCase/],
      hint: /correct the file/,
    });
    await expectNothingTouched();
  });

  it('that is not there is said to be missing, with where it was looked for', async () => {
    await expectFailure(
      (more) => runCli(['sync', '--config', 'elsewhere.ts', ...more], { cwd: project.path }),
      {
        exitCode: 2,
        code: 'CONFIG_NOT_FOUND',
        says: [join(project.path, 'elsewhere.ts')],
        hint: /name an existing file/,
      },
    );
  });
});

describe('a command line', () => {
  it.each([
    [['status', 'tset'], 'UNKNOWN_ENVIRONMENT', /"tset".*test, qa, staging, prod/, /did you mean "test"/],
    [['deploy', 'test', '--generate-secret'], 'USAGE', /--generate-secret/, /--generate-secrets/],
    [['stauts'], 'USAGE', /stauts/, /status/],
    [['deploy'], 'USAGE', /environment/, /--help/],
    [['local', 'up', '--port', '70000'], 'USAGE', /70000/, /--help/],
  ])('%j is refused, with what was meant', async (args, code, says, hint) => {
    await expectFailure((more) => run([...args, ...more]), { exitCode: 2, code, says: [says], hint });
    await expectNothingTouched();
  });
});

describe('no credentials', () => {
  it.each([
    ['status', 'test'],
    ['bootstrap', 'test'],
    ['deploy', 'test'],
  ])('%s %s says so at once', async (...args) => {
    const home = join(project.path, '.towpath', 'no-home');
    await expectFailure(
      // Nobody answers there: what a computer outside of EC2 has instead of a metadata service.
      (more) =>
        run([...args, ...more], { HOME: home, AWS_EC2_METADATA_SERVICE_ENDPOINT: 'http://127.0.0.1:9' }),
      {
        exitCode: 1,
        code: 'NO_CREDENTIALS',
        says: [/No AWS credentials/],
        hint: /aws configure sso.*AWS_PROFILE/,
      },
    );
    await expectNothingTouched();
  });
});

describe('npm start without its programs', () => {
  function programs(name: string): string {
    const folder = join(project.path, '.towpath', name);
    mkdirSync(folder, { recursive: true });
    symlinkSync(process.execPath, join(folder, 'node'));
    return folder;
  }

  function start(path: string) {
    const env = { ...cleanEnvironment(), PATH: path };
    const options = { cwd: project.path, env, timeoutMs: AT_ONCE_MS };
    return runCommand(process.execPath, ['scripts/run.mjs', 'start'], options);
  }

  it('names all that are missing, each with the command that installs it', async () => {
    const result = await start(programs('no-programs'));
    expect(result.exitCode, result.stdout + result.stderr).toBe(1);
    expect(result.stderr).toMatch(/Terraform was not found.*\n\s+install it with: \S/);
    expect(result.stderr).toMatch(/moto_server was not found.*\n\s+install it with: \S/);
    expect(result.stderr).not.toMatch(/^\s+at /m);
    await expectNothingTouched();
  });

  it('names a Terraform that is too old', async () => {
    const folder = programs('old-terraform');
    writeFileSync(join(folder, 'terraform'), '#!/bin/sh\necho \'{"terraform_version":"1.5.7"}\'\n');
    chmodSync(join(folder, 'terraform'), 0o755);
    const result = await start(folder);
    expect(result.exitCode, result.stdout + result.stderr).toBe(1);
    expect(result.stderr).toMatch(/Terraform 1\.5\.7 is too old: 1\.11.*\n\s+install it with: \S/);
    await expectNothingTouched();
  });
});
