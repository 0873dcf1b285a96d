/** Pushing as docker does, and what the ECR API says of it afterwards. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  BatchCheckLayerAvailabilityCommand,
  BatchDeleteImageCommand,
  BatchGetImageCommand,
  CreateRepositoryCommand,
  DeleteRepositoryCommand,
  DescribeImagesCommand,
  DescribeRepositoriesCommand,
  ECRClient,
  GetAuthorizationTokenCommand,
  ListImagesCommand,
  PutImageCommand,
} from '@aws-sdk/client-ecr';
import { expect, test } from 'vitest';
import type { Wire } from '../wire-fixture.ts';

const manifestType = 'application/vnd.oci.image.manifest.v1+json';
const sha256 = (content: string | Buffer) => `sha256:${createHash('sha256').update(content).digest('hex')}`;

async function pushBlob(base: string, content: Buffer, chunks: number): Promise<string> {
  const digest = sha256(content);
  const started = await fetch(`${base}/blobs/uploads/`, { method: 'POST' });
  expect(started.status).toBe(202);
  let location = new URL(started.headers.get('location') ?? '', base);
  const size = Math.ceil(content.length / chunks);
  for (let at = 0; at < content.length; at += size) {
    const part = content.subarray(at, at + size);
    const headers = {
      'content-type': 'application/octet-stream',
      'content-range': `${at}-${at + part.length - 1}`,
    };
    const sent = await fetch(location, { method: 'PATCH', headers, body: part });
    expect([sent.status, sent.headers.get('range')]).toEqual([202, `0-${at + part.length - 1}`]);
    location = new URL(sent.headers.get('location') ?? '', base);
  }
  const finished = await fetch(`${location}?digest=${digest}`, { method: 'PUT' });
  expect([finished.status, finished.headers.get('docker-content-digest')]).toEqual([201, digest]);
  return digest;
}

/** @returns digest and text of the manifest */
async function pushImage(
  base: string,
  tag: string,
  layerText: string,
): Promise<{ digest: string; manifest: string; layer: string }> {
  const layer = Buffer.from(layerText.repeat(1000));
  const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', layer: layerText }));
  const manifest = JSON.stringify({
    schemaVersion: 2,
    mediaType: manifestType,
    config: {
      mediaType: 'application/vnd.oci.image.config.v1+json',
      digest: await pushBlob(base, config, 1),
      size: config.length,
    },
    layers: [
      {
        mediaType: 'application/vnd.oci.image.layer.v1.tar',
        digest: await pushBlob(base, layer, 3),
        size: layer.length,
      },
    ],
  });
  const headers = { 'content-type': manifestType };
  const put = await fetch(`${base}/manifests/${tag}`, { method: 'PUT', headers, body: manifest });
  expect([put.status, await put.text()]).toEqual([201, '']);
  return { digest: put.headers.get('docker-content-digest') ?? '', manifest, layer: sha256(layer) };
}

async function errorCode(response: Response): Promise<string | undefined> {
  const body = (await response.json()) as { errors?: { code: string }[] };
  return body.errors?.[0]?.code;
}

export function ecrWireSuite(wire: () => Wire): void {
  const ecr = () => new ECRClient(wire().clientOptions);

  test('a pushed image has its true digest everywhere', async () => {
    const repositoryName = 'devops-app';
    const created = await ecr().send(
      new CreateRepositoryCommand({ repositoryName, imageTagMutability: 'IMMUTABLE' }),
    );
    expect(created.repository?.repositoryUri).toBe('123456789012.dkr.ecr.us-east-1.amazonaws.com/devops-app');
    const base = `${wire().endpoint}/v2/${repositoryName}`;
    expect((await fetch(`${wire().endpoint}/v2/`)).status).toBe(200);
    const image = await pushImage(base, 'one', 'layer one');
    expect(image.digest).toBe(sha256(image.manifest));

    const described = await ecr().send(
      new DescribeImagesCommand({ repositoryName, imageIds: [{ imageTag: 'one' }] }),
    );
    expect(described.imageDetails?.[0]).toMatchObject({
      imageDigest: image.digest,
      imageTags: ['one'],
      imageManifestMediaType: manifestType,
    });
    expect(described.imageDetails?.[0]?.imagePushedAt?.getTime()).toBeGreaterThan(Date.now() - 60_000);
    const got = await ecr().send(
      new BatchGetImageCommand({ repositoryName, imageIds: [{ imageTag: 'one' }, { imageTag: 'two' }] }),
    );
    expect(got.images?.[0]?.imageManifest).toBe(image.manifest);
    expect(got.failures?.[0]?.failureCode).toBe('ImageNotFound');
    const layers = [image.layer, sha256('nothing')];
    const available = await ecr().send(
      new BatchCheckLayerAvailabilityCommand({ repositoryName, layerDigests: layers }),
    );
    expect(available.layers?.map(({ layerAvailability }) => layerAvailability)).toEqual([
      'AVAILABLE',
      'UNAVAILABLE',
    ]);

    const pulled = await fetch(`${base}/manifests/${image.digest}`);
    expect(await pulled.text()).toBe(image.manifest);
    const blob = Buffer.from(await (await fetch(`${base}/blobs/${image.layer}`)).arrayBuffer());
    expect(sha256(blob)).toBe(image.layer);
    const { images } = wire().registry;
    expect((await images.resolve(repositoryName, 'one'))?.digest).toBe(image.digest);
    expect(sha256(await readFile(images.blobPath(image.layer)))).toBe(image.layer);
  });

  test('immutable tags stay, the same push again is no error', async () => {
    const repositoryName = 'fixed';
    await ecr().send(new CreateRepositoryCommand({ repositoryName, imageTagMutability: 'IMMUTABLE' }));
    const base = `${wire().endpoint}/v2/${repositoryName}`;
    const first = await pushImage(base, 'one', 'first');
    await pushImage(base, 'one', 'first');
    const other = await pushImage(base, 'two', 'second');
    const headers = { 'content-type': manifestType };
    const moved = await fetch(`${base}/manifests/one`, { method: 'PUT', headers, body: other.manifest });
    expect([moved.status, await errorCode(moved)]).toEqual([400, 'TAG_INVALID']);
    const put = { repositoryName, imageManifest: other.manifest };
    await expect(ecr().send(new PutImageCommand({ ...put, imageTag: 'one' }))).rejects.toMatchObject({
      name: 'ImageTagAlreadyExistsException',
    });
    await expect(ecr().send(new PutImageCommand({ ...put, imageTag: 'two' }))).rejects.toMatchObject({
      name: 'ImageAlreadyExistsException',
    });
    const retagged = await ecr().send(new PutImageCommand({ ...put, imageTag: 'three' }));
    expect(retagged.image?.imageId).toEqual({ imageDigest: other.digest, imageTag: 'three' });
    const listed = await ecr().send(new ListImagesCommand({ repositoryName }));
    expect(listed.imageIds?.map(({ imageTag }) => imageTag)).toEqual(['one', 'two', 'three']);
    const tags = await fetch(`${base}/tags/list`);
    expect(await tags.json()).toEqual({ name: repositoryName, tags: ['one', 'three', 'two'] });
    expect(listed.imageIds?.[0]?.imageDigest).toBe(first.digest);
  });

  test('mutable tags move', async () => {
    const repositoryName = 'team/moving';
    await ecr().send(new CreateRepositoryCommand({ repositoryName }));
    const base = `${wire().endpoint}/v2/${repositoryName}`;
    const first = await pushImage(base, 'latest', 'first');
    const second = await pushImage(base, 'latest', 'second');
    const listed = await ecr().send(new ListImagesCommand({ repositoryName }));
    expect(listed.imageIds).toEqual([
      { imageDigest: first.digest },
      { imageDigest: second.digest, imageTag: 'latest' },
    ]);
    const untagged = await ecr().send(
      new DescribeImagesCommand({ repositoryName, filter: { tagStatus: 'UNTAGGED' } }),
    );
    expect(untagged.imageDetails?.map(({ imageDigest }) => imageDigest)).toEqual([first.digest]);
  });

  test('what is broken or unknown is refused', async () => {
    const repositoryName = 'strict';
    await ecr().send(new CreateRepositoryCommand({ repositoryName }));
    const base = `${wire().endpoint}/v2/${repositoryName}`;
    const wrong = await fetch(`${base}/blobs/uploads/?digest=${sha256('promised')}`, {
      method: 'POST',
      body: 'delivered',
    });
    expect([wrong.status, await errorCode(wrong)]).toEqual([400, 'DIGEST_INVALID']);
    const monolithic = await fetch(`${base}/blobs/uploads/?digest=${sha256('delivered')}`, {
      method: 'POST',
      body: 'delivered',
    });
    expect(monolithic.status).toBe(201);
    const lost = await fetch(`${base}/blobs/uploads/none`, { method: 'PATCH', body: 'x' });
    expect([lost.status, await errorCode(lost)]).toEqual([404, 'BLOB_UPLOAD_UNKNOWN']);
    const layer = {
      mediaType: 'application/vnd.oci.image.layer.v1.tar',
      digest: sha256('never pushed'),
      size: 1,
    };
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: manifestType,
      config: layer,
      layers: [layer],
    });
    const dangling = await fetch(`${base}/manifests/x`, { method: 'PUT', body: manifest });
    expect([dangling.status, await errorCode(dangling)]).toEqual([404, 'MANIFEST_BLOB_UNKNOWN']);
    const nonsense = await fetch(`${base}/manifests/x`, { method: 'PUT', body: '{"schemaVersion":1}' });
    expect(await errorCode(nonsense)).toBe('MANIFEST_INVALID');
    const elsewhere = await fetch(`${wire().endpoint}/v2/nowhere/blobs/uploads/`, { method: 'POST' });
    expect([elsewhere.status, await errorCode(elsewhere)]).toEqual([404, 'NAME_UNKNOWN']);
    const escaping = await fetch(`${base}/blobs/..%2f..%2fetc`);
    expect(escaping.status).toBeGreaterThanOrEqual(400);
  });

  test('deleting images and repositories', async () => {
    const repositoryName = 'short-lived';
    await ecr().send(new CreateRepositoryCommand({ repositoryName }));
    const base = `${wire().endpoint}/v2/${repositoryName}`;
    const image = await pushImage(base, 'a', 'short');
    await expect(ecr().send(new DeleteRepositoryCommand({ repositoryName }))).rejects.toMatchObject({
      name: 'RepositoryNotEmptyException',
    });
    const deleted = await ecr().send(
      new BatchDeleteImageCommand({ repositoryName, imageIds: [{ imageTag: 'a' }, { imageTag: 'b' }] }),
    );
    expect(deleted.imageIds).toEqual([{ imageDigest: image.digest, imageTag: 'a' }]);
    expect(deleted.failures).toHaveLength(1);
    expect((await fetch(`${base}/manifests/${image.digest}`)).status).toBe(404);
    await pushImage(base, 'a', 'short');
    await ecr().send(new DeleteRepositoryCommand({ repositoryName, force: true }));
    await expect(
      ecr().send(new DescribeRepositoriesCommand({ repositoryNames: [repositoryName] })),
    ).rejects.toMatchObject({ name: 'RepositoryNotFoundException' });
    await ecr().send(new CreateRepositoryCommand({ repositoryName }));
    expect((await ecr().send(new ListImagesCommand({ repositoryName }))).imageIds).toEqual([]);
  });

  test('another region is refused with the way out', async () => {
    const elsewhere = new ECRClient({ ...wire().clientOptions, region: 'eu-west-1' });
    await expect(elsewhere.send(new DescribeRepositoriesCommand({}))).rejects.toMatchObject({
      name: 'UnrecognizedClientException',
      message: expect.stringContaining('--region eu-west-1'),
    });
  });

  test('the login leads to the gateway', async () => {
    const token = await ecr().send(new GetAuthorizationTokenCommand({}));
    const [data] = token.authorizationData ?? [];
    expect(data?.proxyEndpoint).toBe(wire().endpoint);
    expect(Buffer.from(data?.authorizationToken ?? '', 'base64').toString()).toMatch(/^AWS:.{20,}/);
    const authorization = `Basic ${data?.authorizationToken}`;
    expect((await fetch(`${wire().endpoint}/v2/`, { headers: { authorization } })).status).toBe(200);
  });
}
