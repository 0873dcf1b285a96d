/** What every store of secrets must do. */
import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { Secret } from '../../src/domain/secret.ts';
import type { SecretsPort } from '../../src/ports.ts';

/** More names than SSM takes in one call. */
const MANY = Array.from({ length: 23 }, (_, index) => `secret-${index}`);

export function secretsContract(open: () => Promise<SecretsPort>): void {
  it('lists what is missing as not present, in the order asked', async () => {
    const secrets = await open();
    expect(await secrets.list(['b', 'a'])).toEqual([
      { name: 'b', present: false, version: undefined, modifiedAt: undefined },
      { name: 'a', present: false, version: undefined, modifiedAt: undefined },
    ]);
    expect(await secrets.list([])).toEqual([]);
  });

  it('counts versions, and reads the last value', async () => {
    const secrets = await open();
    expect(await secrets.set('token', new Secret('first'))).toBe(1);
    expect(await secrets.set('token', new Secret('second ☂'))).toBe(2);
    const [entry] = await secrets.list(['token']);
    expect(entry).toMatchObject({ present: true, version: 2 });
    expect(Date.parse(entry?.modifiedAt ?? '')).not.toBeNaN();
    expect((await secrets.read(['token'])).get('token')?.reveal()).toBe('second ☂');
  });

  it('reads those that exist, however many', async () => {
    const secrets = await open();
    for (const name of MANY) await secrets.set(name, new Secret(`value of ${name}`));
    const values = await secrets.read([...MANY, 'missing']);
    expect([...values.keys()]).toEqual(MANY);
    expect(values.get('secret-22')?.reveal()).toBe('value of secret-22');
    expect((await secrets.list([...MANY, 'missing'])).map(({ present }) => present)).toEqual([
      ...MANY.map(() => true),
      false,
    ]);
  });

  it('removes those that exist, and says nothing of the others', async () => {
    const secrets = await open();
    for (const name of MANY) await secrets.set(name, new Secret('x'));
    await secrets.remove([...MANY.slice(1), 'missing']);
    await secrets.remove([]);
    expect([...(await secrets.read(MANY)).keys()]).toEqual(['secret-0']);
  });

  it('[ssm.size] holds up to 4096 bytes, not characters', async () => {
    const secrets = await open();
    expect(await secrets.set('large', new Secret('é'.repeat(2_048)))).toBe(1);
    const tooLarge = 'é'.repeat(2_048).concat('x');
    const failure = { code: 'SECRET_INVALID', message: expect.stringMatching(/large.*4097 bytes.*4096/) };
    await expect(secrets.set('large', new Secret(tooLarge))).rejects.toMatchObject(failure);
    expect((await secrets.read(['large'])).get('large')?.reveal()).toHaveLength(2_048);
  });

  it('refuses an empty value', async () => {
    const secrets = await open();
    await expect(secrets.set('empty', new Secret(''))).rejects.toMatchObject({ code: 'SECRET_INVALID' });
    expect((await secrets.list(['empty']))[0]?.present).toBe(false);
  });

  it('never shows a value by itself', async () => {
    const secrets = await open();
    await secrets.set('token', new Secret('hunter2'));
    const seen = [await secrets.list(['token']), [...(await secrets.read(['token']))]];
    expect(inspect(seen, { depth: 9 }) + JSON.stringify(seen)).not.toContain('hunter2');
    const error: unknown = await secrets
      .set('token', new Secret('hunter2'.repeat(1_000)))
      .catch((cause: unknown) => cause);
    expect(inspect(error, { depth: 9 })).not.toContain('hunter2');
  });
}
