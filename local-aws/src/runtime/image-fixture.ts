/** For tests: images packed on the spot, kept as blobs in a folder, as the registry keeps them. */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import tar from 'tar-stream';
import type { ImageStore, OciDescriptor, OciManifest } from '../contract.ts';

export type LayerEntry = Partial<tar.Header> & { readonly name: string; readonly content?: string };

export interface FixtureImage {
  readonly layers: readonly (readonly LayerEntry[])[];
  readonly config?: object;
  readonly architecture?: string;
  readonly gzip?: boolean;
}

export const REGISTRY = '123456789012.dkr.ecr.us-east-1.amazonaws.com';

export class FixtureImageStore implements ImageStore {
  readonly #directory: string;
  readonly #manifests = new Map<string, { digest: string; manifest: OciManifest }>();

  constructor(directory: string) {
    this.#directory = directory;
    mkdirSync(directory, { recursive: true });
  }

  /** @returns the full reference by digest */
  async add(repository: string, tag: string, image: FixtureImage): Promise<string> {
    const layers: OciDescriptor[] = [];
    for (const entries of image.layers) {
      const plain = await packLayer(entries);
      const suffix = image.gzip === true ? '+gzip' : '';
      const bytes = image.gzip === true ? gzipSync(plain) : plain;
      layers.push(this.#write(bytes, `application/vnd.oci.image.layer.v1.tar${suffix}`));
    }
    const config = { os: 'linux', architecture: image.architecture ?? 'amd64', config: image.config ?? {} };
    const manifest: OciManifest = {
      schemaVersion: 2,
      config: this.#write(Buffer.from(JSON.stringify(config)), 'application/vnd.oci.image.config.v1+json'),
      layers,
    };
    const { digest } = this.#write(Buffer.from(JSON.stringify(manifest)), 'manifest');
    const found = { digest, manifest };
    this.#manifests.set(`${repository}@${digest}`, found);
    this.#manifests.set(`${repository}@${tag}`, found);
    return `${REGISTRY}/${repository}@${digest}`;
  }

  async resolve(repository: string, reference: string) {
    return this.#manifests.get(`${repository}@${reference}`);
  }

  blobPath(digest: string): string {
    return path.join(this.#directory, digest.replace(':', '-'));
  }

  #write(bytes: Buffer, mediaType: string): OciDescriptor {
    const digest = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
    writeFileSync(this.blobPath(digest), bytes);
    return { mediaType, digest, size: bytes.length };
  }
}

async function packLayer(entries: readonly LayerEntry[]): Promise<Buffer> {
  const pack = tar.pack();
  for (const { content, ...header } of entries) pack.entry(header, content ?? '');
  pack.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of pack as unknown as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
