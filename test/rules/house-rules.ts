/** The house rules that can be read off one file's path and text. Pure; each finding names file, line and rule. */
import { basename } from 'node:path';
import { maskSource } from './masked-source.ts';
import type { RepositoryFile } from './repository-files.ts';

const MAX_LINES = 400;
/** Tables of cases make tests longer. */
const MAX_TEST_LINES = 500;

/** Put together from parts, so that this file obeys its own rule. */
const REGISTRY_HOSTS = [
  ['registry', 'npmjs', 'org'],
  ['registry', 'yarnpkg', 'com'],
  ['npm', 'pkg', 'github', 'com'],
  ['pypi', 'org'],
  ['files', 'pythonhosted', 'org'],
  ['proxy', 'golang', 'org'],
  ['deb', 'debian', 'org'],
  ['security', 'debian', 'org'],
  ['archive', 'ubuntu', 'com'],
].map((parts) => parts.join('.'));

const MACHINE_PATH = /(?<![\w.~$}-])\/(?:work|root|opt)\//;
/** Written by outside conventions: their names are not ours to choose. */
const CONVENTIONAL_NAMES = /^(?:README|LICENSE|Dockerfile|CHANGELOG|CONTRIBUTING|NOTICE|Makefile)(?:\.|$)/;
const BANNED_NAME = /(?:^|[-_.])(?:utils?|helpers?|managers?)(?:[-_.]|$)/i;

export type HouseRule = (file: RepositoryFile) => readonly string[];

const isTest = (path: string) => /\.test\.tsx?$|\.tftest\.hcl$/.test(path);
const isSource = (path: string) => /\.(?:ts|tsx|mts|mjs|cjs|js|tf|sh|py)$|\.tftest\.hcl$/.test(path);

export const HOUSE_RULES: Readonly<Record<string, HouseRule>> = {
  'files stay short': ({ path, text }) => {
    if (!isSource(path)) return [];
    const lines = text.split('\n').length - 1;
    const limit = isTest(path) ? MAX_TEST_LINES : MAX_LINES;
    return lines > limit ? [`${path} has ${lines} lines; the limit is ${limit}`] : [];
  },

  'files and folders have kebab-case names': ({ path }) =>
    path
      .split('/')
      .filter((part) => !CONVENTIONAL_NAMES.test(part))
      // Python can import only names with underscores; a name such as `0001-title` is kebab-case too.
      .filter((part) => !/^\.?[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)*$/.test(part))
      .filter((part) => !part.endsWith('.py'))
      .map((part) => `${path}: "${part}" is not kebab-case`),

  'no file is named for being useful': ({ path }) =>
    BANNED_NAME.test(basename(path))
      ? [`${path} is named utils, helpers or manager; name it for what it exports`]
      : [],

  'every source file starts with what it is for': ({ path, text }) => {
    // The name of a test beside its source says it all.
    if (!isSource(path) || /\/src\/.*\.test\.tsx?$/.test(path)) return [];
    const start = text.replace(/^#!.*\n/, '').trimStart();
    const comment = /\.(?:tf|hcl|sh|py)$/.test(path) ? /^(?:#|\/\*|""")/ : /^\/[/*]/;
    return comment.test(start) ? [] : [`${path} does not start with a comment that says what it is for`];
  },

  'nothing names a path of one machine': ({ path, text }) =>
    linesMatching(text, MACHINE_PATH).map(({ line, found }) => `${path}:${line} names ${found}`),

  'nothing names the host of a package registry': ({ path, text }) =>
    REGISTRY_HOSTS.flatMap((host) =>
      linesMatching(text, new RegExp(`(?<![\\w-])${host.replaceAll('.', '\\.')}`)).map(
        ({ line }) => `${path}:${line} names ${host}`,
      ),
    ),

  'lock files name no download address': ({ path, text }) =>
    /(?:package-lock|npm-shrinkwrap)\.json$/.test(path)
      ? linesMatching(text, /"resolved": "https?:/).map(
          ({ line }) => `${path}:${line} has a "resolved" address`,
        )
      : [],

  'no test is skipped or run alone': ({ path, text }) => {
    if (!/\.test\.tsx?$/.test(path)) return [];
    // What only one platform can do, or needs a container engine, haproxy or Redis, may be tested there alone.
    const code = maskSource(text).code;
    return linesMatching(
      code,
      /\.(?:skip|only|todo|skipIf|fails)\b|\.runIf\((?!on(?:Linux|MacOs)\)|with(?:Engine|Haproxy|Redis)\)|process\.platform\b)|\b(?:xit|xdescribe|fit|fdescribe)\(/,
    ).map(({ line, found }) => `${path}:${line} uses ${found}`);
  },

  'no work is left for later': ({ path, text }) =>
    isSource(path)
      ? linesMatching(text, /\b(?:TO[D]O|FIX[M]E|XX[X])\b/).map(
          ({ line, found }) => `${path}:${line} says ${found}`,
        )
      : [],
};

function linesMatching(
  text: string,
  pattern: RegExp,
): readonly { readonly line: number; readonly found: string }[] {
  return text.split('\n').flatMap((content, index) => {
    const match = pattern.exec(content);
    return match === null ? [] : [{ line: index + 1, found: match[0] }];
  });
}
