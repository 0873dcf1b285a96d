/** Large request bodies as files named by their content; small ones stay in memory. */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { type BodyReference, maxInlineBodyBytes } from './journal-record.ts';

/** Not whole yet; of a killed run, never. */
const draftPrefix = 'draft-';
const namePattern = /^[0-9a-f]{64}$/;

export interface BodyStore {
  /** Takes a whole body. What is on disk afterwards is kept by {@link BodyStore.keepOnly} until it is released. */
  take(body: Buffer | Readable): Promise<HeldBody>;
  read(reference: BodyReference): Readable;
  /** Removes every file that is neither named here nor held. */
  keepOnly(referenced: ReadonlySet<string>): void;
}

export interface HeldBody {
  readonly content: Buffer | BodyReference;
  /** Call it when the journal has the record, or will never have it. */
  release(): void;
}

export function openBodyStore(folder: string): BodyStore {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const name of readdirSync(folder)) if (name.startsWith(draftPrefix)) rmSync(join(folder, name));
  const held = new Map<string, number>();
  const path = (sha256: string) => join(folder, sha256);

  function hold(reference: BodyReference): HeldBody {
    const { sha256 } = reference;
    held.set(sha256, (held.get(sha256) ?? 0) + 1);
    return {
      content: reference,
      release: () => {
        const left = (held.get(sha256) ?? 1) - 1;
        if (left > 0) held.set(sha256, left);
        else held.delete(sha256);
      },
    };
  }

  return {
    async take(body) {
      if (Buffer.isBuffer(body) && body.length <= maxInlineBodyBytes)
        return { content: body, release: () => undefined };
      const draft = join(folder, `${draftPrefix}${randomUUID()}`);
      const taken = await spool(Buffer.isBuffer(body) ? [body] : body, draft);
      if (Buffer.isBuffer(taken)) return { content: taken, release: () => undefined };
      const held = hold(taken);
      renameSync(draft, path(taken.sha256));
      return held;
    },
    read: ({ sha256 }) => createReadStream(path(sha256)),
    keepOnly(referenced) {
      for (const name of readdirSync(folder)) {
        if (namePattern.test(name) && !referenced.has(name) && !held.has(name)) rmSync(path(name));
      }
    },
  };
}

/** @returns the body itself while it is small; else it is in the file `draft` */
async function spool(
  body: AsyncIterable<Buffer> | Iterable<Buffer>,
  draft: string,
): Promise<Buffer | BodyReference> {
  const first: Buffer[] = [];
  const hash = createHash('sha256');
  let bytes = 0;
  let file: FileHandle | undefined;
  try {
    for await (const chunk of body) {
      bytes += chunk.length;
      hash.update(chunk);
      if (file === undefined) first.push(chunk);
      else await file.writeFile(chunk);
      if (bytes <= maxInlineBodyBytes || file !== undefined) continue;
      file = await open(draft, 'wx', 0o600);
      for (const early of first.splice(0)) await file.writeFile(early);
    }
  } catch (error) {
    await file?.close();
    rmSync(draft, { force: true });
    throw error;
  }
  if (file === undefined) return Buffer.concat(first);
  await file.close();
  return { sha256: hash.digest('hex'), bytes };
}
