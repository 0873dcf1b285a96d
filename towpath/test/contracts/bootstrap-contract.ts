/** What every bootstrap must do. */
import { expect, it } from 'vitest';
import type { BootstrapPort } from '../../src/ports.ts';

export interface BootstrapHarness {
  /** For the environment `test`. */
  readonly bootstrap: BootstrapPort;
  /** Has somebody else own the state bucket's name. */
  takeBucketName(): Promise<void>;
  /** Makes a table of the lock table's name with another key. */
  makeForeignTable(): Promise<void>;
}

export function bootstrapContract(open: () => Promise<BootstrapHarness>): void {
  it('makes what is missing, and the same again changes nothing', async () => {
    const { bootstrap } = await open();
    expect(await bootstrap.exists()).toBe(false);
    expect(await bootstrap.ensureStateBucket()).toBe('created');
    expect(await bootstrap.exists()).toBe(false);
    expect(await bootstrap.ensureLockTable()).toBe('created');
    expect(await bootstrap.exists()).toBe(true);
    expect(await bootstrap.ensureRepository()).toBe('created');
    expect(await bootstrap.ensureStateBucket()).toBe('updated');
    expect(await bootstrap.ensureLockTable()).toBe('present');
    expect(await bootstrap.ensureRepository()).toBe('updated');
    expect(await bootstrap.exists()).toBe(true);
  });

  it('makes all three side by side', async () => {
    const { bootstrap } = await open();
    const made = [bootstrap.ensureStateBucket(), bootstrap.ensureLockTable(), bootstrap.ensureRepository()];
    expect(await Promise.all(made)).toEqual(['created', 'created', 'created']);
  });

  it('[s3.global-names] explains a bucket name that somebody else owns', async () => {
    const { bootstrap, takeBucketName } = await open();
    await takeBucketName();
    const failure = { code: 'BUCKET_TAKEN', hint: expect.stringContaining('`stateBucket` of test') };
    await expect(bootstrap.ensureStateBucket()).rejects.toMatchObject(failure);
    expect(await bootstrap.exists()).toBe(false);
  });

  it('refuses a table that can hold no locks', async () => {
    const { bootstrap, makeForeignTable } = await open();
    await makeForeignTable();
    const failure = { code: 'CONFIG_INVALID', hint: expect.stringContaining('`lockTable` of test') };
    await expect(bootstrap.ensureLockTable()).rejects.toMatchObject(failure);
  });
}
