/** An image of one layer in OCI form, from bytes to digests. Pure: the same input has the same digest everywhere. */
import { createHash } from 'node:crypto';
import { canonicalJson } from '../../domain/ledger.ts';
import type { ContainerConfig } from './image-config.ts';

export interface Blob {
  /** `sha256:<64 hex>` of the bytes. */
  readonly digest: string;
  readonly bytes: Buffer;
}

export interface OciImage {
  readonly mediaType: string;
  /** The manifest; its digest is the image's. */
  readonly manifest: Blob;
  /** Configuration and layers: whatever must be in the registry before the manifest. */
  readonly blobs: readonly Blob[];
}

const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json';
const LAYER_TYPE = 'application/vnd.oci.image.layer.v1.tar';

/** What Fargate runs unless a task definition says otherwise. */
const PLATFORM = { architecture: 'amd64', os: 'linux' };

/** No time stands in the image, since a time would make every build another one. */
export function makeOciImage(config: ContainerConfig, layer: Buffer): OciImage {
  const layerBlob = makeBlob(layer);
  const configBlob = makeBlob(
    Buffer.from(
      canonicalJson({ ...PLATFORM, config, rootfs: { type: 'layers', diff_ids: [layerBlob.digest] } }),
    ),
  );
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: { mediaType: CONFIG_TYPE, digest: configBlob.digest, size: configBlob.bytes.length },
    layers: [{ mediaType: LAYER_TYPE, digest: layerBlob.digest, size: layerBlob.bytes.length }],
  };
  return {
    mediaType: MANIFEST_TYPE,
    manifest: makeBlob(Buffer.from(canonicalJson(manifest))),
    blobs: [configBlob, layerBlob],
  };
}

function makeBlob(bytes: Buffer): Blob {
  return { digest: `sha256:${createHash('sha256').update(bytes).digest('hex')}`, bytes };
}
