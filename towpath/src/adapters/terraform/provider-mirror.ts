/**
 * Finds an offline mirror of Terraform's AWS provider, and renders the CLI configuration that uses it.
 * A mirror often lies in a directory that is not one of Terraform's implied ones; where there is none, the
 * public registry serves. Nothing here starts Terraform.
 */
import { readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { TowpathError } from '../../domain/errors.ts';

/** Name of the variable that points at a mirror: a directory, or `none` for the public registry. */
export const MIRROR_VARIABLE = 'TOWPATH_PROVIDER_MIRROR';

const REGISTRY_DIRECTORY = 'registry.terraform.io';
const PROVIDER = 'hashicorp/aws';
/** How deep below a root the registry's directory may lie. */
const MAX_DEPTH = 3;
/** How many directories are read, over all roots; about 20 µs each. */
const MAX_DIRECTORIES = 1_000;
/** Directories of these names hold many others and never a mirror. */
const PASSED_OVER = new Set(['node_modules', 'doc', 'man', 'locale', 'icons', 'zoneinfo', 'python3', 'proc']);

/**
 * @param env the environment; `TOWPATH_PROVIDER_MIRROR` overrides the search
 * @param home the user's home directory
 * @param roots where to search, the likeliest first
 * @returns the directory that holds `registry.terraform.io/`, or undefined when the public registry is to serve
 * @throws TowpathError `USAGE` when the variable names a directory without the AWS provider
 */
export async function findProviderMirror(
  env: Readonly<Record<string, string | undefined>>,
  home: string,
  roots: readonly string[] = searchRoots(home),
): Promise<string | undefined> {
  const named = env[MIRROR_VARIABLE];
  if (named === 'none') return undefined;
  if (named !== undefined && named !== '') return checkedMirror(named);
  return searchBreadthFirst(roots);
}

function searchRoots(home: string): readonly string[] {
  return [
    join(home, '.terraform.d', 'plugins'),
    '/usr/local/share/terraform/plugins',
    '/usr/share/terraform/plugins',
    '/opt',
    '/srv',
    '/usr/local',
    home,
    '/usr/share',
    '/usr/lib',
  ];
}

function checkedMirror(named: string): string {
  const directory = basename(named) === REGISTRY_DIRECTORY ? dirname(named) : named;
  if (holdsProvider(directory)) return directory;
  throw new TowpathError('USAGE', `${MIRROR_VARIABLE}=${named} holds no ${REGISTRY_DIRECTORY}/${PROVIDER}`, {
    hint: `point it at the output of \`terraform providers mirror DIR\`, or set ${MIRROR_VARIABLE}=none to use the public registry`,
  });
}

/** Level by level over all roots, so that a deep home directory cannot use up the limit before `/opt` is seen. */
function searchBreadthFirst(roots: readonly string[]): string | undefined {
  let level: readonly string[] = roots;
  let read = 0;
  for (let depth = 0; depth < MAX_DEPTH; depth += 1) {
    const next: string[] = [];
    for (const directory of level) {
      if (read >= MAX_DIRECTORIES) return undefined;
      read += 1;
      const children = subdirectories(directory);
      if (children.includes(REGISTRY_DIRECTORY) && holdsProvider(directory)) return directory;
      next.push(...children.filter((name) => !PASSED_OVER.has(name)).map((name) => join(directory, name)));
    }
    level = next;
  }
  return undefined;
}

/** Names of the directories in a directory; none when it can't be read. Links are not followed, so nothing loops. */
function subdirectories(directory: string): readonly string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
  } catch {
    return [];
  }
}

function holdsProvider(directory: string): boolean {
  return (
    statSync(join(directory, REGISTRY_DIRECTORY, PROVIDER), { throwIfNoEntry: false })?.isDirectory() === true
  );
}

/**
 * Text of a `TF_CLI_CONFIG_FILE`.
 * @param mirror what {@link findProviderMirror} found; the AWS provider then comes from there and from nowhere else
 * @param pluginCache an existing directory that keeps what the public registry gave
 */
export function renderCliConfig(mirror: string | undefined, pluginCache?: string): string {
  const lines = ['disable_checkpoint = true'];
  if (pluginCache !== undefined) lines.push(`plugin_cache_dir   = ${quoteHcl(pluginCache)}`);
  if (mirror !== undefined) {
    const provider = quoteHcl(`${REGISTRY_DIRECTORY}/${PROVIDER}`);
    lines.push(
      'provider_installation {',
      '  filesystem_mirror {',
      `    path    = ${quoteHcl(mirror)}`,
      `    include = [${provider}]`,
      '  }',
      '  direct {',
      `    exclude = [${provider}]`,
      '  }',
      '}',
    );
  }
  return `${lines.join('\n')}\n`;
}

/** A quoted HCL string; a `{` after `$` or `%` would start a template unless that sign is doubled. */
function quoteHcl(value: string): string {
  return JSON.stringify(value).replaceAll(/[$%](?=\{)/g, (sign) => sign + sign);
}
