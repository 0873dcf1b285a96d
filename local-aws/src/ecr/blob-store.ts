/**
 * Image blobs as files named by their sha256. An upload is written to a file of its own and becomes a blob
 * only when its digest is the one that was promised, so a file under its digest always has that content.
 */
import { createHash, type Hash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** AWS allows layers of about 52 GB; a laptop's disk is smaller. */
const maxBlobBytes = 10 * 1024 * 1024 * 1024;
const maxOpenUploads = 256;

const digestPattern = /^sha256:[0-9a-f]{64}$/;

export type BlobErrorCode =
  | 'DIGEST_INVALID'
  | 'BLOB_UPLOAD_UNKNOWN'
  | 'BLOB_UPLOAD_INVALID'
  | 'SIZE_INVALID'
  | 'TOOMANYREQUESTS';

export class BlobError extends Error {
  readonly code: BlobErrorCode;
  constructor(code: BlobErrorCode, message: string) {
    super(message);
    this.name = 'BlobError';
    this.code = code;
  }
}

interface Upload {
  readonly file: string;
  readonly hash: Hash;
  bytes: number;
  /** A second request for the same upload must wait for the first to end; clients never send two at once. */
  busy: boolean;
}

export interface BlobStore {
  /** Size in bytes; undefined when there is no such blob. */
  size(digest: string): Promise<number | undefined>;
  path(digest: string): string;
  open(digest: string): Readable;
  startUpload(): string;
  /** Bytes received so far. @throws BlobError BLOB_UPLOAD_UNKNOWN */
  uploadedBytes(uploadId: string): number;
  /** @param offset where the client says that this part begins @returns bytes received so far */
  append(uploadId: string, content: Readable, offset: number | undefined): Promise<number>;
  /** @throws BlobError DIGEST_INVALID when the content is another; the upload is gone then */
  finish(uploadId: string, digest: string): Promise<void>;
  cancel(uploadId: string): Promise<void>;
  /** Removes every other blob. Only while no upload is under way. */
  keepOnly(digests: ReadonlySet<string>): Promise<void>;
}

export function isDigest(text: string): boolean {
  return digestPattern.test(text);
}

/** Opens the store in `folder`; uploads that an earlier run did not finish are removed. */
export async function openBlobStore(folder: string): Promise<BlobStore> {
  const blobs = join(folder, 'blobs', 'sha256');
  const uploadFolder = join(folder, 'uploads');
  await rm(uploadFolder, { recursive: true, force: true });
  await mkdir(blobs, { recursive: true });
  await mkdir(uploadFolder, { recursive: true });
  const uploads = new Map<string, Upload>();

  const path = (digest: string): string => {
    if (!isDigest(digest)) throw new BlobError('DIGEST_INVALID', `"${digest}" is no sha256 digest`);
    return join(blobs, digest.slice('sha256:'.length));
  };
  const uploadOf = (uploadId: string): Upload => {
    const upload = uploads.get(uploadId);
    if (upload === undefined)
      throw new BlobError('BLOB_UPLOAD_UNKNOWN', `No upload ${uploadId} is under way`);
    return upload;
  };
  const cancel = async (uploadId: string): Promise<void> => {
    const upload = uploads.get(uploadId);
    uploads.delete(uploadId);
    if (upload !== undefined) await rm(upload.file, { force: true });
  };
  return {
    path,
    cancel,
    open: (digest) => createReadStream(path(digest)),
    size: async (digest) => {
      try {
        return (await stat(path(digest))).size;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    keepOnly: async (digests) => {
      for (const name of await readdir(blobs))
        if (!digests.has(`sha256:${name}`)) await rm(join(blobs, name), { force: true });
    },
    startUpload: () => {
      if (uploads.size >= maxOpenUploads) {
        throw new BlobError('TOOMANYREQUESTS', `${maxOpenUploads} uploads are under way already`);
      }
      const uploadId = randomUUID();
      uploads.set(uploadId, {
        file: join(uploadFolder, uploadId),
        hash: createHash('sha256'),
        bytes: 0,
        busy: false,
      });
      return uploadId;
    },
    uploadedBytes: (uploadId) => uploadOf(uploadId).bytes,
    append: async (uploadId, content, offset) => {
      const upload = uploadOf(uploadId);
      if (upload.busy || (offset !== undefined && offset !== upload.bytes)) {
        throw new BlobError(
          'BLOB_UPLOAD_INVALID',
          `The upload is at byte ${upload.bytes}, not at ${offset ?? 'rest'}`,
        );
      }
      upload.busy = true;
      try {
        await pipeline(content, measure(upload), createWriteStream(upload.file, { flags: 'a' }));
      } catch (error) {
        // Hash and file may differ now: the client has to begin anew.
        await cancel(uploadId);
        throw error;
      }
      upload.busy = false;
      return upload.bytes;
    },
    finish: async (uploadId, digest) => {
      const upload = uploadOf(uploadId);
      const target = path(digest);
      const actual = `sha256:${upload.hash.copy().digest('hex')}`;
      if (actual !== digest) {
        await cancel(uploadId);
        throw new BlobError('DIGEST_INVALID', `The content has digest ${actual}, not ${digest}`);
      }
      // An empty blob has had no part, hence no file.
      await pipeline([Buffer.alloc(0)], createWriteStream(upload.file, { flags: 'a' }));
      await rename(upload.file, target);
      uploads.delete(uploadId);
    },
  };
}

function measure(upload: Upload): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      upload.bytes += chunk.length;
      if (upload.bytes > maxBlobBytes)
        return done(new BlobError('SIZE_INVALID', `A blob may have ${maxBlobBytes} bytes`));
      upload.hash.update(chunk);
      done(null, chunk);
    },
  });
}
