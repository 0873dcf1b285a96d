/** Who may import whom: the table of the architecture as data, and the pure check of one import against it. */
import { posix } from 'node:path';

interface Area {
  /** A folder (with `/` at its end) or one file. */
  readonly path: string;
  /** Areas beside itself, by path; a prefix of an area's path stands for all in it. */
  readonly mayImport: readonly string[];
  /** Packages from outside, Node's own included; absent: any. */
  readonly packages?: RegExp;
}

/** The longest matching path decides. */
export const AREAS: readonly Area[] = [
  { path: 'app/', mayImport: [] },
  // Load and ports are made in one way for all tests; what is shipped uses none of it.
  { path: 'app/bench/', mayImport: ['app/', 'test/support/'] },
  { path: 'app/test/', mayImport: ['app/', 'test/support/'] },
  { path: 'session-protocol/', mayImport: [] },
  { path: 'local-aws/', mayImport: ['session-protocol/'] },
  // Processes are supervised in one way, and programs bundled: the embedded AWS's.
  {
    path: 'local-stack/',
    mayImport: [
      'local-aws/bundle-options.mjs',
      'local-aws/src/daemon-program.ts',
      'local-aws/src/state/',
      'local-aws/src/runtime/group-guard.ts',
      'local-aws/src/runtime/line-splitter.ts',
      'local-aws/src/runtime/program-lookup.ts',
      'local-aws/src/system-clock.ts',
    ],
  },
  { path: 'infra/', mayImport: [] },
  { path: 'scripts/', mayImport: [] },
  // Runs where nothing is installed.
  { path: '.github/', mayImport: [], packages: /^node:/ },
  { path: 'towpath.config.ts', mayImport: ['towpath/src/config/define-project.ts'] },
  { path: 'examples/', mayImport: ['towpath/src/config/define-project.ts'] },
  { path: 'vitest.config.ts', mayImport: [] },
  { path: 'towpath/', mayImport: [] },
  // No I/O: hashing is all that the domain takes from Node.
  { path: 'towpath/src/domain/', mayImport: [], packages: /^node:crypto$/ },
  {
    path: 'towpath/src/ports.ts',
    mayImport: ['towpath/src/domain/', 'towpath/src/local-aws-port.ts', 'towpath/src/stack-port.ts'],
    packages: /^$/,
  },
  { path: 'towpath/src/local-aws-port.ts', mayImport: ['towpath/src/domain/'], packages: /^$/ },
  { path: 'towpath/src/stack-port.ts', mayImport: [], packages: /^$/ },
  { path: 'towpath/src/config/', mayImport: ['towpath/src/domain/'] },
  {
    path: 'towpath/src/actions/',
    mayImport: ['towpath/src/config/', 'towpath/src/domain/', 'towpath/src/ports.ts'],
  },
  {
    path: 'towpath/src/adapters/',
    mayImport: ['towpath/src/domain/', 'towpath/src/ports.ts', 'session-protocol/'],
  },
  { path: 'towpath/src/cli/', mayImport: ['towpath/src/actions/', 'towpath/src/domain/'] },
  { path: 'towpath/src/server/', mayImport: ['towpath/src/actions/', 'towpath/src/domain/'] },
  { path: 'towpath/src/main.ts', mayImport: ['towpath/src/', 'local-aws/'] },
  { path: 'towpath/test/', mayImport: ['towpath/', 'local-aws/'] },
  { path: 'console/', mayImport: [] },
  // Black box: through the built CLI only.
  { path: 'test/', mayImport: ['test/support/', 'test/fixtures/'] },
  { path: 'test/support/', mayImport: [] },
  // Failures that are made through the APIs of AWS, and explained by the same code that a deployment runs.
  { path: 'test/fixtures/', mayImport: ['test/support/', 'towpath/src/'] },
  { path: 'test/rules/', mayImport: ['towpath/src/domain/', 'towpath.config.ts'] },
  {
    path: 'test/infra/',
    mayImport: ['towpath/src/domain/', 'towpath/src/adapters/terraform/', 'test/support/'],
  },
];

/** The one import across areas that is allowed for types alone. */
const TYPES_ONLY = { from: 'console/', to: 'towpath/src/server/contract.ts' };

/** Workspaces by the name they are imported with. */
const WORKSPACES: Readonly<Record<string, string>> = {
  app: 'app/',
  'local-aws': 'local-aws/',
  'local-stack': 'local-stack/',
  towpath: 'towpath/src/config/define-project.ts',
  console: 'console/',
};

export interface ImportToCheck {
  readonly file: string;
  readonly specifier: string;
  readonly typeOnly: boolean;
}

/** @returns what is wrong with the import, or undefined */
export function judgeImport({ file, specifier, typeOnly }: ImportToCheck): string | undefined {
  const area = areaOf(file);
  if (area === undefined) return `${file} lies in no area of the import table; add it to AREAS`;
  const target = resolveSpecifier(file, specifier);
  if (target === undefined) {
    return area.packages === undefined || area.packages.test(specifier) || isTest(file)
      ? undefined
      : `${file} imports the package ${specifier}, which ${area.path} may not`;
  }
  if (area.path === TYPES_ONLY.from && target === TYPES_ONLY.to) {
    return typeOnly ? undefined : `${file} may import only types from ${target}`;
  }
  const allowed = [area.path, ...area.mayImport, ...forTests(file)];
  // An area inside another is not a part of it: `towpath/` may not reach into `towpath/src/domain/`.
  const home = areaOf(target);
  const fits = allowed.some(
    (path) => target === path || home?.path === path || (path !== area.path && target.startsWith(path)),
  );
  return fits ? undefined : `${file} imports ${target}; ${area.path} may import ${describe(area)}`;
}

/** A test may use all of its own workspace, and inside towpath what its contract suites may use. */
function forTests(file: string): readonly string[] {
  if (!isTest(file)) return [];
  if (file.startsWith('towpath/')) return ['towpath/', 'local-aws/'];
  const workspace = Object.values(WORKSPACES).find((path) => path.endsWith('/') && file.startsWith(path));
  return workspace === undefined ? [] : [workspace];
}

function isTest(file: string): boolean {
  return /\.test\.ts$|\/test\//.test(file);
}

export function areaOf(path: string): Area | undefined {
  return AREAS.filter((area) =>
    area.path.endsWith('/') ? path.startsWith(area.path) : path === area.path,
  ).sort((a, b) => b.path.length - a.path.length)[0];
}

/** @returns a path in the repository, or undefined for a package from outside */
function resolveSpecifier(file: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return posix.normalize(posix.join(posix.dirname(file), specifier));
  const [name = '', ...rest] = specifier.split('/');
  const workspace = Object.hasOwn(WORKSPACES, name) ? WORKSPACES[name] : undefined;
  if (workspace === undefined) return undefined;
  return rest.length === 0 ? workspace : `${name}/${rest.join('/')}`;
}

function describe(area: Area): string {
  return area.mayImport.length === 0 ? 'nothing but itself' : `itself and ${area.mayImport.join(', ')}`;
}
