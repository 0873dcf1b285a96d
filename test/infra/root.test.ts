/** The Terraform root: formatted, valid, its tests pass, and it composes the names that Towpath composes. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commonTags, environmentNames } from '../../towpath/src/domain/names.ts';
import { expectTestsPass, expectValid, initialise, parseTestMessages } from './terraform-checks.ts';
import { copyInfra, INFRA, type TerraformFolder } from './terraform-folder.ts';

const ENVIRONMENT = 'prod';
const BOUNDARY = 'arn:aws:iam::123456789012:policy/ci/devops-app-prod-boundary';
const IMAGE = `123456789012.dkr.ecr.us-east-1.amazonaws.com/devops-app@sha256:${'a'.repeat(64)}`;

let infra: TerraformFolder;
beforeAll(async () => {
  infra = await copyInfra();
  await initialise(infra, '.');
});
afterAll(() => infra.remove());

describe('infra', () => {
  it('is formatted', async () => {
    const { stdout, stderr } = await infra.run('.', ['fmt', '-check', '-recursive']);
    expect(stdout + stderr, 'files to run `terraform fmt` on').toBe('');
  });

  it('is valid, without a warning', () => expectValid(infra, '.'));

  it('passes its tests', () => expectTestsPass(infra, '.'));
});

describe('a plan', () => {
  const variables = JSON.parse(
    readFileSync(join(INFRA, 'envs', ENVIRONMENT, 'terraform.tfvars.json'), 'utf8'),
  ) as { project: string; owner: string; application: string; service: { secrets: string[] } };

  it('has the names and tags of towpath/src/domain/names.ts, and the boundary on every role', async () => {
    const tags = commonTags({ ...variables, name: variables.project }, ENVIRONMENT);
    writeFileSync(join(infra.path, 'tests', 'names.tftest.hcl'), namesTest(tags));
    const { stdout } = await infra.run('.', [
      'test',
      '-json',
      '-verbose',
      '-filter=tests/names.tftest.hcl',
      `-var-file=envs/${ENVIRONMENT}/terraform.tfvars.json`,
    ]);
    const messages = parseTestMessages(stdout);
    expect(messages.flatMap((message) => message.diagnostic ?? [])).toEqual([]);
    const changes = messages.flatMap((message) => message.test_plan?.resource_changes ?? []);
    const planned = plannedNames(changes);
    const names = environmentNames(variables.project, ENVIRONMENT);
    expect(planned).toMatchObject({
      aws_vpc: [names.vpc],
      aws_ecs_cluster: [names.cluster],
      aws_ecs_service: [names.service],
      aws_lb: [names.loadBalancer],
      aws_lb_target_group: [names.targetGroup],
      aws_ecs_task_definition: [names.taskFamily],
      aws_ssm_parameter: variables.service.secrets.map((secret) => names.parameter(secret)),
      aws_security_group: expect.arrayContaining([names.tasksSecurityGroup]),
      aws_iam_role: expect.arrayContaining([names.executionRole, names.taskRole]),
      aws_cloudwatch_log_group: expect.arrayContaining([names.logGroup]),
    });
    // CI may make no role without it; a new module could forget it.
    const roles = changes.filter(({ type }) => type === 'aws_iam_role');
    expect(new Set(roles.map(({ change }) => change.after?.permissions_boundary))).toEqual(
      new Set([BOUNDARY]),
    );
  });
});

/** A plan with everything computed left unknown: the names come from the variables alone. */
function namesTest(tags: Readonly<Record<string, string>>): string {
  return `
mock_provider "aws" {
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_iam_policy_document" {
    defaults = { json = "{}" }
  }
}

variables {
  image                = "${IMAGE}"
  secrets              = {}
  permissions_boundary = "${BOUNDARY}"
}

run "names" {
  command = plan

  assert {
    condition     = local.common_tags == ${JSON.stringify(tags)}
    error_message = "The tags differ from commonTags() in towpath/src/domain/names.ts."
  }
}
`;
}

type Change = {
  readonly type: string;
  readonly change: { readonly after: Readonly<Record<string, unknown>> | null };
};

/** Name, family or Name tag of each planned resource, by resource type, sorted. */
function plannedNames(changes: readonly Change[]): Readonly<Record<string, readonly string[]>> {
  const byType: Record<string, string[]> = {};
  for (const { type, change } of changes) {
    const after = change.after ?? {};
    const tags = after.tags as Readonly<Record<string, string>> | null | undefined;
    const name = after.name ?? after.family ?? tags?.Name;
    if (typeof name !== 'string') continue;
    byType[type] = [...(byType[type] ?? []), name].sort();
  }
  return byType;
}
