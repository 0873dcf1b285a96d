/**
 * The part of the ECR API that is about images. moto keeps repositories, policies and tags;
 * its images have made-up digests, so all that shows images is answered from the registry here.
 */
import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import { AwsError, type AwsRequest, type AwsResponse, type ControlPlane, type Overlay } from '../contract.ts';
import { jsonAnswer } from '../gateway/aws-answer.ts';
import { parseInput } from '../gateway/parse-input.ts';
import type { BlobStore } from './blob-store.ts';
import type { ImageIndex, StoredImage } from './image-index.ts';
import { loadRepository, type RepositoryFacts } from './repository-lookup.ts';
import { ManifestError, storeManifest } from './store-manifest.ts';

export interface EcrOverlayOptions {
  readonly control: ControlPlane;
  readonly index: ImageIndex;
  readonly blobs: BlobStore;
  readonly endpoint: () => string;
  readonly now: () => number;
}

/** AWS: a token is good for 12 hours. */
const tokenLifetimeMs = 12 * 3600 * 1000;
const defaultPageSize = 100;
const maxPageSize = 1000;
const maxBatchSize = 100;

const repositoryName = z.string().min(1);
const imageId = z.object({ imageDigest: z.string().optional(), imageTag: z.string().optional() });
type ImageId = z.infer<typeof imageId>;
const imageIds = z.array(imageId).max(maxBatchSize);
const paging = {
  maxResults: z.number().int().min(1).max(maxPageSize).optional(),
  nextToken: z.string().optional(),
  filter: z.object({ tagStatus: z.enum(['TAGGED', 'UNTAGGED', 'ANY']).optional() }).optional(),
};
const batchInput = z.object({ repositoryName, imageIds });
const listInput = z.object({ repositoryName, ...paging });
const describeInput = z.object({ repositoryName, imageIds: imageIds.optional(), ...paging });
const layersInput = z.object({ repositoryName, layerDigests: z.array(z.string()).min(1).max(maxBatchSize) });
const downloadInput = z.object({ repositoryName, layerDigest: z.string() });
const putInput = z.object({
  repositoryName,
  imageManifest: z.string().min(1),
  imageManifestMediaType: z.string().optional(),
  imageTag: z.string().optional(),
  imageDigest: z.string().optional(),
});
const deleteRepositoryInput = z.object({ repositoryName, force: z.boolean().optional() });

type Handler = (options: EcrOverlayOptions, request: AwsRequest) => Promise<object>;

const handlers: Readonly<Record<string, Handler>> = {
  PutImage: putImage,
  BatchGetImage: batchGetImage,
  DescribeImages: describeImages,
  ListImages: listImages,
  BatchDeleteImage: batchDeleteImage,
  BatchCheckLayerAvailability: batchCheckLayerAvailability,
  GetDownloadUrlForLayer: getDownloadUrlForLayer,
  GetAuthorizationToken: getAuthorizationToken,
};

export function createEcrOverlay(options: EcrOverlayOptions): Overlay {
  return {
    service: 'ecr',
    handle: async (request, forward) => {
      if (request.action === 'DeleteRepository') return deleteRepository(options, request, forward);
      const handler = handlers[request.action];
      return handler === undefined ? undefined : jsonAnswer(await handler(options, request));
    },
  };
}

async function deleteRepository(
  { control, index }: EcrOverlayOptions,
  request: AwsRequest,
  forward: () => Promise<AwsResponse>,
): Promise<AwsResponse> {
  const input = parseInput(deleteRepositoryInput, request.json());
  const repository = await loadRepository(control, input.repositoryName);
  if (input.force !== true && index.list(input.repositoryName).length > 0) {
    throw new AwsError(
      'RepositoryNotEmptyException',
      `The repository with name '${input.repositoryName}' in registry with id '${repository.registryId}' cannot be deleted because it still contains images`,
    );
  }
  const answer = await forward();
  if (answer.status < 300) index.forget(input.repositoryName);
  return answer;
}

async function putImage(
  { control, index, blobs, now }: EcrOverlayOptions,
  request: AwsRequest,
): Promise<object> {
  const input = parseInput(putInput, request.json());
  const repository = await loadRepository(control, input.repositoryName);
  const pushed = {
    content: Buffer.from(input.imageManifest),
    mediaType: input.imageManifestMediaType,
    tag: input.imageTag,
    expectedDigest: input.imageDigest,
  };
  try {
    const { digest, outcome } = await storeManifest(index, blobs, repository, pushed, now());
    if (outcome === 'same') throw alreadyExists(repository, digest, input.imageTag);
    if (outcome === 'tag-immutable') {
      throw new AwsError(
        'ImageTagAlreadyExistsException',
        `The image tag '${input.imageTag}' already exists in the '${input.repositoryName}' repository and cannot be overwritten because the repository is immutable.`,
      );
    }
    const image = index.find(input.repositoryName, digest);
    if (image === undefined) throw new Error(`image ${digest} vanished while it was put`);
    return { image: showImage(repository, image, input.imageTag) };
  } catch (error) {
    throw error instanceof ManifestError ? toAwsError(error) : error;
  }
}

function toAwsError(error: ManifestError): AwsError {
  const codes = {
    DIGEST_INVALID: 'ImageDigestDoesNotMatchException',
    MANIFEST_BLOB_UNKNOWN: 'LayersNotFoundException',
    MANIFEST_INVALID: 'InvalidParameterException',
  } as const;
  return new AwsError(codes[error.code], error.message);
}

function alreadyExists(repository: RepositoryFacts, digest: string, tag: string | undefined): AwsError {
  return new AwsError(
    'ImageAlreadyExistsException',
    `Image with digest '${digest}' and tag '${tag ?? 'null'}' already exists in the repository with name '${repository.repositoryName}' in registry with id '${repository.registryId}'`,
  );
}

async function batchGetImage({ control, index }: EcrOverlayOptions, request: AwsRequest): Promise<object> {
  const input = parseInput(batchInput, request.json());
  const repository = await loadRepository(control, input.repositoryName);
  const found = input.imageIds.map((id) => ({ id, image: findById(index, input.repositoryName, id) }));
  return {
    images: found.flatMap(({ id, image }) =>
      image === undefined ? [] : [showImage(repository, image, id.imageTag)],
    ),
    failures: found.flatMap(({ id, image }) => (image === undefined ? [notFoundFailure(id)] : [])),
  };
}

async function describeImages({ control, index }: EcrOverlayOptions, request: AwsRequest): Promise<object> {
  const input = parseInput(describeInput, request.json());
  const repository = await loadRepository(control, input.repositoryName);
  const wanted = input.imageIds?.map((id) => {
    const image = findById(index, input.repositoryName, id);
    if (image === undefined) throw imageNotFound(repository, id);
    return image;
  });
  const images =
    wanted ??
    index.list(input.repositoryName).filter((image) => matchesStatus(image, input.filter?.tagStatus));
  const page = takePage(images, input);
  return {
    imageDetails: page.items.map((image) => ({
      registryId: repository.registryId,
      repositoryName: repository.repositoryName,
      imageDigest: image.digest,
      ...(image.tags.size > 0 && { imageTags: [...image.tags] }),
      imageSizeInBytes: image.sizeBytes,
      imagePushedAt: image.pushedAt / 1000,
      imageManifestMediaType: image.mediaType,
    })),
    ...(page.nextToken !== undefined && { nextToken: page.nextToken }),
  };
}

async function listImages({ control, index }: EcrOverlayOptions, request: AwsRequest): Promise<object> {
  const input = parseInput(listInput, request.json());
  await loadRepository(control, input.repositoryName);
  const images = index
    .list(input.repositoryName)
    .filter((image) => matchesStatus(image, input.filter?.tagStatus));
  const ids = images.flatMap((image): ImageId[] =>
    image.tags.size === 0
      ? [{ imageDigest: image.digest }]
      : [...image.tags].map((imageTag) => ({ imageDigest: image.digest, imageTag })),
  );
  const page = takePage(ids, input);
  return { imageIds: page.items, ...(page.nextToken !== undefined && { nextToken: page.nextToken }) };
}

async function batchDeleteImage({ control, index }: EcrOverlayOptions, request: AwsRequest): Promise<object> {
  const input = parseInput(batchInput, request.json());
  await loadRepository(control, input.repositoryName);
  const deleted: ImageId[] = [];
  const failures: object[] = [];
  for (const id of input.imageIds) {
    const image = findById(index, input.repositoryName, id);
    const tags = id.imageDigest === undefined ? [id.imageTag ?? ''] : [...(image?.tags ?? [])];
    if (image === undefined) failures.push(notFoundFailure(id));
    else {
      index.remove(input.repositoryName, id.imageDigest ?? id.imageTag ?? '');
      if (tags.length === 0) deleted.push({ imageDigest: image.digest });
      deleted.push(...tags.map((imageTag) => ({ imageDigest: image.digest, imageTag })));
    }
  }
  return { imageIds: deleted, failures };
}

async function batchCheckLayerAvailability(
  { control, blobs }: EcrOverlayOptions,
  request: AwsRequest,
): Promise<object> {
  const input = parseInput(layersInput, request.json());
  await loadRepository(control, input.repositoryName);
  const layers: object[] = [];
  const failures: object[] = [];
  for (const layerDigest of input.layerDigests) {
    if (!/^sha256:[0-9a-f]{64}$/.test(layerDigest)) {
      failures.push({
        layerDigest,
        failureCode: 'InvalidLayerDigest',
        failureReason: 'Invalid parameter at layerDigest',
      });
      continue;
    }
    const layerSize = await blobs.size(layerDigest);
    layers.push({
      layerDigest,
      layerAvailability: layerSize === undefined ? 'UNAVAILABLE' : 'AVAILABLE',
      ...(layerSize !== undefined && { layerSize }),
    });
  }
  return { layers, failures };
}

async function getDownloadUrlForLayer(options: EcrOverlayOptions, request: AwsRequest): Promise<object> {
  const input = parseInput(downloadInput, request.json());
  await loadRepository(options.control, input.repositoryName);
  if ((await options.blobs.size(input.layerDigest)) === undefined) {
    throw new AwsError(
      'LayersNotFoundException',
      `The layer ${input.layerDigest} is not in repository '${input.repositoryName}'`,
    );
  }
  const downloadUrl = `${options.endpoint()}/v2/${input.repositoryName}/blobs/${input.layerDigest}`;
  return { downloadUrl, layerDigest: input.layerDigest };
}

async function getAuthorizationToken({ endpoint, now }: EcrOverlayOptions): Promise<object> {
  const authorizationToken = Buffer.from(`AWS:${randomBytes(24).toString('base64url')}`).toString('base64');
  const expiresAt = (now() + tokenLifetimeMs) / 1000;
  return { authorizationData: [{ authorizationToken, expiresAt, proxyEndpoint: endpoint() }] };
}

/** When both are given, the tag must be on the image with that digest. */
function findById(index: ImageIndex, repository: string, id: ImageId): StoredImage | undefined {
  if (id.imageDigest === undefined && id.imageTag === undefined) {
    throw new AwsError('InvalidParameterException', 'An image id needs an imageDigest or an imageTag');
  }
  const image = index.find(repository, id.imageDigest ?? id.imageTag ?? '');
  return id.imageTag !== undefined && image?.tags.has(id.imageTag) === false ? undefined : image;
}

function matchesStatus(image: StoredImage, status: 'TAGGED' | 'UNTAGGED' | 'ANY' | undefined): boolean {
  if (status === undefined || status === 'ANY') return true;
  return image.tags.size > 0 === (status === 'TAGGED');
}

function takePage<T>(
  items: readonly T[],
  input: { readonly maxResults?: number | undefined; readonly nextToken?: string | undefined },
): { readonly items: readonly T[]; readonly nextToken: string | undefined } {
  const start = Number(input.nextToken ?? 0);
  if (!Number.isInteger(start) || start < 0)
    throw new AwsError('InvalidParameterException', `nextToken "${input.nextToken}" is invalid`);
  const end = start + (input.maxResults ?? defaultPageSize);
  return { items: items.slice(start, end), nextToken: end < items.length ? String(end) : undefined };
}

function showImage(repository: RepositoryFacts, image: StoredImage, tag: string | undefined): object {
  const imageTag = tag ?? [...image.tags][0];
  return {
    registryId: repository.registryId,
    repositoryName: repository.repositoryName,
    imageId: { imageDigest: image.digest, ...(imageTag !== undefined && { imageTag }) },
    imageManifest: image.manifest.toString('utf8'),
    imageManifestMediaType: image.mediaType,
  };
}

function notFoundFailure(id: ImageId): object {
  return { imageId: id, failureCode: 'ImageNotFound', failureReason: 'Requested image not found' };
}

function imageNotFound(repository: RepositoryFacts, id: ImageId): AwsError {
  return new AwsError(
    'ImageNotFoundException',
    `The image with imageId {imageDigest:'${id.imageDigest ?? 'null'}', imageTag:'${id.imageTag ?? 'null'}'} does not exist within the repository with name '${repository.repositoryName}' in the registry with id '${repository.registryId}'`,
  );
}
