/**
 * Takes into the state what a Terraform that was interrupted had created without hearing of it: the provider drops the
 * calls under way, and AWS may have done them by then. Only what bears the tags that were planned for it is ours; what
 * somebody else made is left alone.
 */
import { mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TowpathError } from '../../domain/errors.ts';
import { OWNER_TAGS } from '../../domain/names.ts';
import type { ExistingResource } from '../../ports.ts';
import type { ExistingResources } from '../aws/existing-resource.ts';
import type { Diagnostic } from './terraform-events.ts';

/** What AWS, or the provider in its place, answers to the creation of a name that is taken. */
const EXISTS =
  /\b(?:ResourceAlreadyExistsException|EntityAlreadyExists|DuplicateLoadBalancerName|DuplicateTargetGroupName|DuplicateListener|FlowLogAlreadyExists|InvalidGroup\.Duplicate|InvalidPermission\.Duplicate|InvalidSubnet\.Conflict|RouteAlreadyExists|Resource\.AlreadyAssociated)\b|\bnot idempotent\b|\bELBv2 (?:Load Balancer|Target Group) \([^)]*\) already exists/;

const IMPORTS_FILE = 'taken_over.tf';

type Values = Readonly<Record<string, unknown>>;

/** @returns addresses of what exists already when there is no other trouble; otherwise none */
export function existingOnly(errors: readonly Diagnostic[]): readonly string[] {
  const addresses = errors.flatMap(({ address, summary, detail }) =>
    address !== undefined && EXISTS.test(`${summary} ${detail}`) ? [address] : [],
  );
  return addresses.length === errors.length ? [...new Set(addresses)] : [];
}

/** What the user hears when it can't be found, or is not ours to take. */
export function resourceExists(problems: readonly { readonly path: string; readonly message: string }[]) {
  const names = problems.map(({ path }) => path).join(', ');
  return new TowpathError(
    'RESOURCE_EXISTS',
    `AWS has what Terraform was to create, and its state does not know it: ${names}.`,
    {
      problems,
      hint: 'delete it or take it over with terraform import, then run the same command again',
    },
  );
}

/** @param planJson `terraform show -json` of a plan */
export async function findExisting(
  planJson: string,
  addresses: readonly string[],
  resources: ExistingResources,
): Promise<readonly ExistingResource[]> {
  const { resource_changes: changes = [], prior_state: state } = JSON.parse(planJson) as Plan;
  const planned = new Map(changes.map((each) => [each.address, each]));
  const known = new Set(idsOf(state));
  const existing: ExistingResource[] = [];
  for (const address of addresses) {
    const resource = planned.get(address);
    if (!resource) continue;
    const id = await resources.find(resource.type, resource.change.after ?? {});
    // Under another address of the state it is nobody's leftover, and would be two resources of which one goes.
    if (id === undefined || known.has(id)) continue;
    known.add(id);
    await resources.finishCreation(resource.type, id);
    existing.push({ address, id });
  }
  return existing;
}

/**
 * Of resources that the state has as tainted: an update in place would leave undone what the provider had still to do.
 * @param planJson `terraform show -json` of a plan that replaces them
 */
export async function finishCreations(
  planJson: string,
  addresses: readonly string[],
  resources: ExistingResources,
): Promise<void> {
  const { resource_changes: changes = [] } = JSON.parse(planJson) as Plan;
  for (const { address, type, change } of changes) {
    const id = change.before?.id;
    if (addresses.includes(address) && typeof id === 'string') await resources.finishCreation(type, id);
  }
}

/**
 * A root module that is the project's, with an import block for each resource beside it: `terraform import` takes one
 * at a time, and fails where an output wants all instances of a resource. The project's own files stay as they are.
 * @returns folder to plan in
 */
export async function rootThatImports(
  infra: string,
  folder: string,
  existing: readonly ExistingResource[],
): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const name of await readdir(infra)) await symlink(join(infra, name), join(folder, name));
  const blocks = existing.map(
    ({ address, id }) => `import {\n  to = ${address}\n  id = ${JSON.stringify(id)}\n}\n`,
  );
  await writeFile(join(folder, IMPORTS_FILE), blocks.join('\n'));
  return folder;
}

/** @returns what the plan takes over though it does not bear the tags that are planned for it */
export function foreignImports(planJson: string): readonly string[] {
  const { resource_changes: changes = [] } = JSON.parse(planJson) as Plan;
  return changes.flatMap(({ address, change }) =>
    change.importing && !sameOwner(change.after ?? {}, change.before ?? {}) ? [address] : [],
  );
}

/** What of `terraform show -json` of a plan is read here. */
interface Plan {
  readonly resource_changes?: readonly {
    readonly address: string;
    readonly type: string;
    readonly change: {
      readonly before: Values | null;
      readonly after: Values | null;
      readonly importing?: object;
    };
  }[];
  readonly prior_state?: { readonly values?: { readonly root_module?: StateModule } };
}

interface StateModule {
  readonly resources?: readonly { readonly values: Values }[];
  readonly child_modules?: readonly StateModule[];
}

function idsOf(state: Plan['prior_state']): readonly unknown[] {
  const modules = state?.values?.root_module ? [state.values.root_module] : [];
  // The list grows while it is walked: modules of modules follow.
  for (const module of modules) modules.push(...(module.child_modules ?? []));
  return modules.flatMap(({ resources = [] }) => resources.map(({ values }) => values.id));
}

/** A type without tags is known by what it belongs to, which bore its own. */
function sameOwner(planned: Values, found: Values): boolean {
  const wanted = planned.tags_all as Record<string, string> | null | undefined;
  const borne = found.tags_all as Record<string, string> | null | undefined;
  if (!wanted) return true;
  return OWNER_TAGS.every((tag) => wanted[tag] === borne?.[tag]);
}
