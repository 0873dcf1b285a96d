/** Tests of the search for a provider mirror, on directories made for it, and of the configuration that uses one. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TowpathError } from '../../domain/errors.ts';
import { findProviderMirror, renderCliConfig } from './provider-mirror.ts';

let base: string;
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'mirror-')));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function makeMirror(...path: string[]): string {
  const directory = join(base, ...path);
  mkdirSync(join(directory, 'registry.terraform.io', 'hashicorp', 'aws', '5.100.0'), { recursive: true });
  return directory;
}

describe('findProviderMirror', () => {
  it('finds a mirror one and two levels below a root', async () => {
    const near = makeMirror('near', 'plugins');
    const far = makeMirror('far', 'share', 'plugins');
    expect(await findProviderMirror({}, base, [join(base, 'near')])).toBe(near);
    expect(await findProviderMirror({}, base, [join(base, 'far')])).toBe(far);
  });

  it('prefers the nearest level, over all roots', async () => {
    makeMirror('first', 'a', 'b');
    const shallow = makeMirror('second', 'a');
    expect(await findProviderMirror({}, base, [join(base, 'first'), join(base, 'second')])).toBe(shallow);
  });

  it.each([
    ['too deep', ['a', 'b', 'c', 'd']],
    ['inside node_modules', ['node_modules']],
  ])('passes over one that is %s', async (_why, path) => {
    makeMirror(...path);
    expect(await findProviderMirror({}, base, [base])).toBeUndefined();
  });

  it('passes over a registry directory without the AWS provider, and roots that do not exist', async () => {
    mkdirSync(join(base, 'other', 'registry.terraform.io', 'hashicorp', 'random'), { recursive: true });
    expect(await findProviderMirror({}, base, [join(base, 'absent'), base])).toBeUndefined();
  });

  it('lets the variable override, naming the mirror or its registry directory', async () => {
    makeMirror('found');
    const chosen = makeMirror('x', 'y', 'z', 'chosen');
    for (const value of [chosen, join(chosen, 'registry.terraform.io')]) {
      expect(await findProviderMirror({ TOWPATH_PROVIDER_MIRROR: value }, base, [base])).toBe(chosen);
    }
    expect(await findProviderMirror({ TOWPATH_PROVIDER_MIRROR: 'none' }, base, [base])).toBeUndefined();
    expect(await findProviderMirror({ TOWPATH_PROVIDER_MIRROR: '' }, base, [base])).toBe(join(base, 'found'));
  });

  it('refuses a variable that names no mirror, with the value and a way out', async () => {
    const attempt = findProviderMirror({ TOWPATH_PROVIDER_MIRROR: base }, base, [base]);
    await expect(attempt).rejects.toThrow(`TOWPATH_PROVIDER_MIRROR=${base}`);
    await expect(attempt).rejects.toBeInstanceOf(TowpathError);
    await expect(attempt).rejects.toMatchObject({ code: 'USAGE', hint: expect.stringContaining('none') });
  });

  it('stops at its limit of directories', async () => {
    for (let index = 0; index < 1_100; index += 1)
      mkdirSync(join(base, 'many', `d${index}`), { recursive: true });
    makeMirror('many', 'd7', 'deeper');
    expect(await findProviderMirror({}, base, [join(base, 'many')])).toBeUndefined();
  });
});

describe('renderCliConfig', () => {
  it('takes the AWS provider from the mirror alone, and others from the registry', () => {
    expect(renderCliConfig('/srv/mirror')).toBe(
      [
        'disable_checkpoint = true',
        'provider_installation {',
        '  filesystem_mirror {',
        '    path    = "/srv/mirror"',
        '    include = ["registry.terraform.io/hashicorp/aws"]',
        '  }',
        '  direct {',
        '    exclude = ["registry.terraform.io/hashicorp/aws"]',
        '  }',
        '}',
        '',
      ].join('\n'),
    );
  });

  it('names no installation without a mirror, and keeps a plugin cache', () => {
    expect(renderCliConfig(undefined)).toBe('disable_checkpoint = true\n');
    expect(renderCliConfig(undefined, '/var/cache/tf')).toBe(
      'disable_checkpoint = true\nplugin_cache_dir   = "/var/cache/tf"\n',
    );
  });

  it('escapes what HCL would take for a template or the end of a string', () => {
    const sign = '$';
    expect(renderCliConfig(`/srv/${sign}{a}"b`)).toContain(`path    = "/srv/${sign}${sign}{a}\\"b"`);
  });
});
