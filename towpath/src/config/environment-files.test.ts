/** The files of an environment, as Terraform reads them. */
import { expect, it } from 'vitest';
import { renderEnvironmentFiles } from '../domain/environment-files.ts';
import { resolveProject } from './resolve-project.ts';

const project = resolveProject({
  project: 'shop',
  owner: 'us',
  region: 'eu-west-1',
  runbookUrl: 'https://example.com/shop/runbook.md',
  environments: [
    { name: 'test', cidr: '10.1.0.0/16' },
    {
      name: 'live',
      cidr: '10.2.0.0/16',
      nat: 'none',
      stateBucket: 'our-own-bucket',
      certificateArn: 'arn:aws:acm:eu-west-1:123456789012:certificate/ab',
      alarmEmail: 'us@example.com',
      permissionsBoundary: 'arn:aws:iam::123456789012:policy/ci/shop-live-boundary',
    },
  ],
});

function render(position: number) {
  const environment = project.environments[position];
  if (!environment) throw new Error(`no environment ${position}`);
  return renderEnvironmentFiles(project, environment);
}

it('[backend.both-locks] writes the backend, aligned as `terraform fmt` does', () => {
  expect(render(1)['backend.hcl']).toBe(
    [
      '# Written by `towpath sync` from towpath.config.ts.',
      'bucket         = "our-own-bucket"',
      'key            = "terraform.tfstate"',
      'region         = "eu-west-1"',
      'encrypt        = true',
      'use_lockfile   = true',
      'dynamodb_table = "terraform-lock-live"',
      '',
    ].join('\n'),
  );
});

it('writes variables, optional ones only where they are set', () => {
  const test = JSON.parse(render(0)['terraform.tfvars.json']);
  const live = JSON.parse(render(1)['terraform.tfvars.json']);
  expect(test).toMatchObject({
    environment: 'test',
    vpc_cidr: '10.1.0.0/16',
    nat: 'per-az',
    deletion_protection: false,
    runbook_url: 'https://example.com/shop/runbook.md',
  });
  expect(test).not.toHaveProperty('certificate_arn');
  expect(test).not.toHaveProperty('alarm_email');
  expect(test).not.toHaveProperty('permissions_boundary');
  expect(live).toMatchObject({
    nat: 'none',
    deletion_protection: true,
    certificate_arn: 'arn:aws:acm:eu-west-1:123456789012:certificate/ab',
    alarm_email: 'us@example.com',
    permissions_boundary: 'arn:aws:iam::123456789012:policy/ci/shop-live-boundary',
  });
  expect(live.service).toMatchObject({
    port: 5000,
    scaling: { min: 1, max: 10, cpu_percent: 70, memory_percent: 80 },
  });
});
