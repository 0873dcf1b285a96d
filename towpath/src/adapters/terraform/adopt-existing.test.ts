/** Which failures are only about what exists already, and what is taken over of it. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ExistingResources } from '../aws/existing-resource.ts';
import {
  existingOnly,
  findExisting,
  finishCreations,
  foreignImports,
  rootThatImports,
} from './adopt-existing.ts';

const error = (summary: string, address: string | undefined = 'module.ecs.aws_iam_role.task', detail = '') =>
  ({ severity: 'error', summary, detail, address }) as const;

describe('a failed apply', () => {
  // The wording of provider 5.100 on the calls of AWS.
  it.each([
    'creating IAM Role (x): operation error IAM: CreateRole, https response error StatusCode: 409, RequestID: 1, EntityAlreadyExists: Role with name x already exists.',
    'creating CloudWatch Logs Log Group (/ecs/x): operation error CloudWatch Logs: CreateLogGroup, ResourceAlreadyExistsException: The specified log group already exists',
    'ELBv2 Load Balancer (x-alb) already exists',
    'ELBv2 Target Group (x-tg) already exists',
    'creating Security Group (x): operation error EC2: CreateSecurityGroup, api error InvalidGroup.Duplicate: x',
    'creating ECS Service (x): operation error ECS: CreateService, InvalidParameterException: Creation of service was not idempotent.',
    'creating EC2 Subnet: operation error EC2: CreateSubnet, api error InvalidSubnet.Conflict: The CIDR conflicts with another subnet',
    'creating ELBv2 Listener (arn): operation error Elastic Load Balancing v2: CreateListener, DuplicateListener: A listener already exists on this port',
    'creating Route in Route Table (rtb-1) with destination (0.0.0.0/0): RouteAlreadyExists: The route identified by 0.0.0.0/0 already exists.',
  ])('is about what exists: %s', (summary) => {
    expect(existingOnly([error(summary)])).toEqual(['module.ecs.aws_iam_role.task']);
  });

  it.each([
    ['other trouble', [error('creating IAM Role (x): AccessDenied')]],
    ['other trouble beside it', [error('EntityAlreadyExists'), error('AccessDenied')]],
    ['no address', [{ ...error('EntityAlreadyExists'), address: undefined }]],
    ['nothing said', []],
  ])('with %s is not', (_what, errors) => {
    expect(existingOnly(errors)).toEqual([]);
  });
});

const ADDRESS = 'module.ecs.aws_iam_role.task';
const tags = { Project: 'p', Environment: 'test', ManagedBy: 'terraform', Name: 'x' };

describe('what a plan creates and AWS has', () => {
  const change = (address: string, type: string, after: object) => ({ address, type, change: { after } });
  const planJson = (...known: readonly string[]) =>
    JSON.stringify({
      resource_changes: [
        change(ADDRESS, 'aws_iam_role', { name: 'x', tags_all: tags }),
        change('aws_eip.x', 'aws_eip', {}),
      ],
      prior_state: {
        values: {
          root_module: { child_modules: [{ resources: known.map((id) => ({ values: { id } })) }] },
        },
      },
    });
  let finished: string[];
  beforeEach(() => {
    finished = [];
  });
  const resources: ExistingResources = {
    find: async (type, values) => (type === 'aws_iam_role' ? String(values.name) : undefined),
    finishCreation: async (type, id) => {
      finished.push(`${type} ${id}`);
    },
  };

  it('is found by what was planned for it, and its creation ended', async () => {
    expect(await findExisting(planJson('y'), [ADDRESS], resources)).toEqual([{ address: ADDRESS, id: 'x' }]);
    expect(finished).toEqual(['aws_iam_role x']);
  });

  it('is left alone where the state knows it under another address', async () => {
    expect(await findExisting(planJson('y', 'x'), [ADDRESS], resources)).toEqual([]);
    expect(finished).toEqual([]);
  });

  it('is taken over once, whatever bears its name twice', async () => {
    const twice = JSON.parse(planJson());
    twice.resource_changes.push(change('aws_iam_role.other', 'aws_iam_role', { name: 'x' }));
    const found = await findExisting(JSON.stringify(twice), [ADDRESS, 'aws_iam_role.other'], resources);
    expect(found).toEqual([{ address: ADDRESS, id: 'x' }]);
  });

  it('and has no name, or was not planned, is left alone', async () => {
    expect(await findExisting(planJson(), ['aws_eip.x', 'aws_vpc.y'], resources)).toEqual([]);
  });
});

it('the creation of what the state has as tainted is ended, and of nothing else', async () => {
  const change = (address: string, before: object | null) => ({
    address,
    type: 'aws_security_group',
    change: { before, after: {} },
  });
  const changes = [change('one', { id: 'sg-1' }), change('two', { id: 'sg-2' }), change('new', null)];
  const finished: string[] = [];
  await finishCreations(JSON.stringify({ resource_changes: changes }), ['one', 'new'], {
    find: async () => undefined,
    finishCreation: async (type, id) => {
      finished.push(`${type} ${id}`);
    },
  });
  expect(finished).toEqual(['aws_security_group sg-1']);
});

describe('an import', () => {
  const planJson = (before: object | null, after: object, importing?: object) =>
    JSON.stringify({
      resource_changes: [{ address: ADDRESS, type: 'aws_iam_role', change: { before, after, importing } }],
    });

  it.each([
    ['bears the planned tags', { tags_all: tags }, { tags_all: tags }, []],
    [
      'is of another environment',
      { tags_all: { ...tags, Environment: 'prod' } },
      { tags_all: tags },
      [ADDRESS],
    ],
    ['is without tags', { tags_all: {} }, { tags_all: tags }, [ADDRESS]],
    ['is of a type that has none', {}, {}, []],
  ])('whose resource %s', (_what, before, after, foreign) => {
    expect(foreignImports(planJson(before, after, { id: 'x' }))).toEqual(foreign);
  });

  it('is what is looked at alone', () => {
    expect(foreignImports(planJson({}, { tags_all: tags }))).toEqual([]);
  });
});

describe('the root that imports', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'root-that-imports-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('is the project with the imports beside it, and nothing of an earlier one', async () => {
    const infra = join(folder, 'infra');
    mkdirSync(infra);
    writeFileSync(join(infra, 'main.tf'), '# main');
    const root = join(folder, 'root');
    await rootThatImports(infra, root, [{ address: 'aws_eip.old', id: 'old' }]);
    const existing = [{ address: 'aws_subnet.private["a"]', id: 'sub"net' }];
    expect(await rootThatImports(infra, root, existing)).toBe(root);
    expect(readdirSync(root).sort()).toEqual(['main.tf', 'taken_over.tf']);
    expect(readFileSync(join(root, 'taken_over.tf'), 'utf8')).toBe(
      'import {\n  to = aws_subnet.private["a"]\n  id = "sub\\"net"\n}\n',
    );
    expect(readdirSync(infra)).toEqual(['main.tf']);
  });
});
