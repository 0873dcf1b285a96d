import { describe, expect, it } from 'vitest';
import { createMemoryWorld } from '../../test/fakes/memory-world.ts';
import { Secret } from '../domain/secret.ts';
import { listSecrets, setSecret } from './secrets.ts';

describe('setSecret', () => {
  it('counts versions, and never tells the value', async () => {
    const world = createMemoryWorld();
    expect(await setSecret(world.ports, 'test', 'app-secret', new Secret('hunter-22'))).toMatchObject({
      version: 1,
    });
    expect(await setSecret(world.ports, 'test', 'app-secret', new Secret('hunter-23'))).toMatchObject({
      version: 2,
    });
    expect(JSON.stringify(world.events)).not.toContain('hunter');
    expect(world.prompter.asked).toEqual([]);
  });

  it('asks for a value that was not given', async () => {
    const world = createMemoryWorld();
    world.prompter.secrets.push('typed-value');
    await setSecret(world.ports, 'prod', 'app-secret', undefined);
    expect(world.prompter.asked).toEqual(['Value of app-secret in prod']);
    expect(world.at('prod').secrets.get('app-secret')?.value.reveal()).toBe('typed-value');
    expect(world.test.secrets.size).toBe(0);
  });

  it('without an answer says how to pipe it in', async () => {
    const world = createMemoryWorld();
    await expect(setSecret(world.ports, 'test', 'app-secret', undefined)).rejects.toMatchObject({
      code: 'SECRET_MISSING',
      hint: expect.stringContaining('towpath secret set test app-secret --stdin'),
    });
  });

  it.each([
    ['app-secrt', 'did you mean "app-secret"?'],
    ['database-url', 'add it to service.secrets in towpath.config.ts'],
  ])('refuses %s, which the service does not name', async (name, hint) => {
    const world = createMemoryWorld();
    await expect(setSecret(world.ports, 'test', name, new Secret('value'))).rejects.toMatchObject({
      code: 'UNKNOWN_SECRET',
      message: expect.stringContaining('app-secret'),
      hint,
    });
    expect(world.test.secrets.size).toBe(0);
  });
});

describe('listSecrets', () => {
  it('says which are there, without values', async () => {
    const world = createMemoryWorld();
    expect(await listSecrets(world.ports, 'test')).toEqual([
      { name: 'app-secret', present: false, version: undefined, modifiedAt: undefined },
    ]);
    await setSecret(world.ports, 'test', 'app-secret', new Secret('hunter-22'));
    const listed = await listSecrets(world.ports, 'test');
    expect(listed).toMatchObject([{ name: 'app-secret', present: true, version: 1 }]);
    expect(JSON.stringify(listed)).not.toContain('hunter');
  });
});
