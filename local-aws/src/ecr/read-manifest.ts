/** Reads an image manifest or index as pushed, and says what it needs. Pure. */
import type { OciDescriptor, OciManifest } from '../contract.ts';

export const maxManifestBytes = 4 * 1024 * 1024;

const dockerManifest = 'application/vnd.docker.distribution.manifest.v2+json';
const dockerList = 'application/vnd.docker.distribution.manifest.list.v2+json';
const ociManifest = 'application/vnd.oci.image.manifest.v1+json';
const ociIndex = 'application/vnd.oci.image.index.v1+json';
const acceptedMediaTypes: ReadonlySet<string> = new Set([dockerManifest, dockerList, ociManifest, ociIndex]);

export interface IndexEntry extends OciDescriptor {
  readonly platform?: { readonly os?: string; readonly architecture?: string };
}

export type ReadManifest =
  | { readonly kind: 'image'; readonly mediaType: string; readonly manifest: OciManifest }
  | { readonly kind: 'index'; readonly mediaType: string; readonly entries: readonly IndexEntry[] };

/**
 * @param declaredType the Content-Type it was pushed with, if any
 * @throws Error saying what is wrong with it
 */
export function readManifest(content: Buffer, declaredType: string | undefined): ReadManifest {
  if (content.length > maxManifestBytes)
    throw new Error(`a manifest may have ${maxManifestBytes} bytes, this one has ${content.length}`);
  const value = parseObject(content);
  const mediaType = typeof value.mediaType === 'string' ? value.mediaType : acceptedType(declaredType, value);
  if (!acceptedMediaTypes.has(mediaType)) throw new Error(`media type ${mediaType} is not supported`);
  if (mediaType === dockerList || mediaType === ociIndex) {
    return { kind: 'index', mediaType, entries: readDescriptors(value.manifests, 'manifests') };
  }
  const [config] = readDescriptors([value.config], 'config');
  if (config === undefined) throw new Error('config is missing');
  const layers = readDescriptors(value.layers, 'layers');
  return { kind: 'image', mediaType, manifest: { ...value, schemaVersion: 2, config, layers } };
}

function acceptedType(declaredType: string | undefined, value: Record<string, unknown>): string {
  if (declaredType !== undefined && acceptedMediaTypes.has(declaredType)) return declaredType;
  return Array.isArray(value.manifests) ? ociIndex : ociManifest;
}

function parseObject(content: Buffer): Record<string, unknown> {
  const value: unknown = JSON.parse(content.toString('utf8'));
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('it is not a JSON object');
  const object = value as Record<string, unknown>;
  if (object.schemaVersion !== 2)
    throw new Error(`schemaVersion must be 2, not ${JSON.stringify(object.schemaVersion)}`);
  return object;
}

function readDescriptors(value: unknown, where: string): IndexEntry[] {
  if (!Array.isArray(value)) throw new Error(`${where} must be a list`);
  return value.map((entry: unknown, index) => {
    const { mediaType, digest, size, ...rest } = (entry ?? {}) as Record<string, unknown>;
    if (typeof digest !== 'string' || !/^sha256:[0-9a-f]{64}$/.test(digest)) {
      throw new Error(`${where}[${index}].digest is no sha256 digest: ${JSON.stringify(digest)}`);
    }
    if (typeof size !== 'number' || typeof mediaType !== 'string') {
      throw new Error(`${where}[${index}] lacks its size or media type`);
    }
    return { ...rest, mediaType, digest, size };
  });
}

/** The entry of an index for a platform, for example `linux` and `amd64`; undefined when there is none. */
export function chooseByPlatform(
  entries: readonly IndexEntry[],
  os: string,
  architecture: string,
): IndexEntry | undefined {
  return entries.find(({ platform }) => platform?.os === os && platform.architecture === architecture);
}
