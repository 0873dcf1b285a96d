/**
 * From what a user wrote to a project, or to everything that is wrong with it at once.
 * Values that the schema refuses are left out and the rules look at the rest, so that one typing
 * mistake does not hide an overlap elsewhere; a rule that would need a refused value stays silent.
 */
import type { Problem } from '../domain/errors.ts';
import type { Project } from '../domain/project.ts';
import type { Finding } from './finding.ts';
import type { EnvironmentInput, ProjectInput, ServiceInput } from './project-input.ts';
import { projectFindings } from './project-rules.ts';
import { mergeService, resolveProject, resolveService } from './resolve-project.ts';
import { projectSchema } from './schema.ts';
import { type Path, schemaProblems, valueAt } from './schema-problems.ts';
import { serviceFindings } from './service-rules.ts';

export type Validation =
  | { readonly ok: true; readonly project: Project }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export function parse(input: unknown): Validation {
  const refused = schemaProblems(projectSchema, input);
  const readable = readableInput(
    input,
    refused.map(({ at }) => at),
  );
  const project = resolveProject(readable);
  const spoiled = refused.flatMap(({ spoils }) => spoils);
  const isSound = ({ at }: Finding) => !at.some((path) => spoiled.some((other) => touches(path, other)));
  const broken = [...placeFindings(readable).filter(isSound), ...projectFindings(project).filter(isSound)];
  const problems = [
    ...refused.map(({ path, message }) => ({ path, message })),
    ...withoutRepeats(broken.map(({ at, message }) => ({ path: at[0], message }))),
  ];
  return problems.length === 0 ? { ok: true, project } : { ok: false, problems };
}

/** Whether one path is the other or lies inside it. */
function touches(a: string, b: string): boolean {
  return isInside(a, b) || isInside(b, a);
}

function isInside(path: string, outer: string): boolean {
  return path === outer || (path.startsWith(outer) && /^[.[]/.test(path.slice(outer.length)));
}

/**
 * The findings about every environment's service, each named where it was written: in the environment when that
 * overrides one of the values compared, else in the project's `service` (once for each environment).
 */
function placeFindings(input: ProjectInput): readonly Finding[] {
  const base = input.service ?? {};
  const overrides: readonly (ServiceInput | undefined)[] =
    input.environments.length === 0 ? [undefined] : input.environments.map(({ service }) => service);
  return overrides.flatMap((override, index) =>
    serviceFindings(resolveService(mergeService(base, override ?? {}))).map((finding) =>
      placeFinding(finding, override, `environments[${index}].service`),
    ),
  );
}

function withoutRepeats(problems: readonly Problem[]): readonly Problem[] {
  return [...new Map(problems.map((problem) => [`${problem.path}\0${problem.message}`, problem])).values()];
}

function placeFinding(finding: Finding, override: ServiceInput | undefined, place: string): Finding {
  const own = finding.at.find((path) => valueAt(override, splitPath(path)) !== undefined);
  const all = finding.at.flatMap((path) => [`${place}.${path}`, `service.${path}`]);
  const first = own === undefined ? `service.${finding.at[0]}` : `${place}.${own}`;
  return { at: [first, ...all], message: finding.message };
}

/** `secrets[0]` → `secrets`, `0`; `scaling.min` → `scaling`, `min`. Paths of rules hold no other brackets. */
function splitPath(path: string): Path {
  return path.split(/[.[\]]/).filter((part) => part !== '');
}

/** The input without what the schema refused; what is required and missing is empty. */
function readableInput(input: unknown, refused: readonly Path[]): ProjectInput {
  const copy = withoutPaths(input, refused);
  const source = isRecord(copy) ? copy : {};
  const environments = Array.isArray(source.environments) ? source.environments : [];
  return {
    ...(source as Partial<ProjectInput>),
    project: text(source.project),
    owner: text(source.owner),
    environments: environments.map((environment: unknown): EnvironmentInput => {
      const fields = isRecord(environment) ? environment : {};
      return { ...fields, name: text(fields.name), cidr: text(fields.cidr) };
    }),
  };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** A deep copy in which refused values are undefined, and empty in lists, whose entries keep their places. */
function withoutPaths(value: unknown, refused: readonly Path[]): unknown {
  if (refused.some((path) => path.length === 0)) return undefined;
  if (Array.isArray(value)) {
    return value.map((entry, index) => withoutPaths(entry, below(refused, index)) ?? '');
  }
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, entry]) => [key, withoutPaths(entry, below(refused, key))]),
  );
}

function below(refused: readonly Path[], key: PropertyKey): readonly Path[] {
  return refused.filter((path) => path[0] === key).map((path) => path.slice(1));
}
