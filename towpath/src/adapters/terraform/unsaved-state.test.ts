import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TowpathError } from '../../domain/errors.ts';
import type { ProgressEvent } from '../../domain/progress.ts';
import { createUnsavedState } from './unsaved-state.ts';

let base: string;
let notes: string[];
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'unsaved-'));
  for (const folder of ['infra', 'data']) mkdirSync(join(base, folder));
  notes = [];
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const left = () => join(base, 'infra', 'errored.tfstate');
const kept = () => join(base, 'data', 'unsaved.tfstate');

function open(push: (file: string) => Promise<void> = async () => undefined) {
  const notify = (event: ProgressEvent) => void (event.type === 'note' && notes.push(event.text));
  return createUnsavedState({
    infra: join(base, 'infra'),
    dataDir: join(base, 'data'),
    environment: 'qa',
    notifier: { notify },
    push,
  });
}

describe('the state of an apply that could not save it', () => {
  it('is kept with its environment', async () => {
    writeFileSync(left(), 'serial 7');
    expect(await open().keep(Date.now() - 60_000)).toBe(kept());
    expect(readFileSync(kept(), 'utf8')).toBe('serial 7');
    expect(existsSync(left())).toBe(false);
  });

  it('of another run, from before, is left where it lies', async () => {
    writeFileSync(left(), 'serial 3');
    utimesSync(left(), new Date(0), new Date(0));
    expect(await open().keep(Date.now() - 60_000)).toBeUndefined();
    expect(existsSync(left())).toBe(true);
  });

  it('is pushed once', async () => {
    writeFileSync(kept(), 'serial 7');
    const pushed: string[] = [];
    const state = open(async (file) => void pushed.push(readFileSync(file, 'utf8')));
    await state.save();
    await state.save();
    expect(pushed).toEqual(['serial 7']);
    expect(notes).toEqual([expect.stringContaining('of qa could not save is saved now')]);
  });

  it.each(['STATE_LOCKED', 'CREDENTIALS_EXPIRED', 'TERRAFORM_FAILED'] as const)(
    'is kept when it can not be pushed yet: %s',
    async (code) => {
      writeFileSync(kept(), 'serial 7');
      const state = open(async () => {
        throw new TowpathError(code, 'not now');
      });
      await expect(state.save()).rejects.toMatchObject({ code });
      expect(readFileSync(kept(), 'utf8')).toBe('serial 7');
    },
  );

  it('is put aside when another run has saved a newer one', async () => {
    writeFileSync(kept(), 'serial 7');
    const state = open(async () => {
      const context = ['cannot import state with serial 7 over newer state with serial 9'];
      throw new TowpathError('TERRAFORM_FAILED', 'terraform state push failed with exit code 1.', {
        context,
      });
    });
    await state.save();
    expect(existsSync(kept())).toBe(false);
    const [aside = ''] = readdirSync(join(base, 'data'));
    expect(readFileSync(join(base, 'data', aside), 'utf8')).toBe('serial 7');
    expect(notes).toEqual([expect.stringContaining(aside)]);
  });
});
