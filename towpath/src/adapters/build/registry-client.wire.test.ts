/** Pushing to a registry that answers, breaks, refuses or has the image already. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMemoryClock } from '../../../test/fakes/memory-clock.ts';
import { makeOciImage } from './oci-image.ts';
import { createRegistryClient } from './registry-client.ts';
import { type RegistryFixture, startRegistryFixture } from './registry-fixture.ts';

const image = makeOciImage({ Env: [], WorkingDir: '/app', Cmd: ['node', 'main.js'] }, Buffer.from('a layer'));
const tag = `sha-${image.manifest.digest.slice(7, 39)}`;

let registry: RegistryFixture;
beforeEach(async () => {
  registry = await startRegistryFixture();
});
afterEach(() => registry.close());

const push = (repository = 'shop') =>
  createRegistryClient({
    access: registry.access,
    repository,
    firstEnvironment: 'test',
    clock: createMemoryClock(),
  }).push(image);

describe('a push', () => {
  it('brings blobs and manifest, under the digest and a tag of it', async () => {
    expect(await push()).toBe(true);
    expect(new Set(registry.blobs.keys())).toEqual(new Set(image.blobs.map(({ digest }) => digest)));
    expect([...registry.manifests.keys()]).toEqual([tag, image.manifest.digest]);
    expect(registry.manifests.get(tag)).toEqual(image.manifest.bytes);
    expect(registry.requests.at(-1)).toBe(`PUT /v2/shop/manifests/${tag}`);
  });

  it('sends nothing when the digest is there', async () => {
    await push();
    registry.requests.length = 0;
    expect(await push()).toBe(false);
    expect(registry.requests).toEqual([`HEAD /v2/shop/manifests/${image.manifest.digest}`]);
  });

  it('sends only blobs that are missing', async () => {
    const [config, layer] = image.blobs;
    if (config === undefined || layer === undefined)
      throw new Error('an image has a configuration and a layer');
    registry.blobs.set(layer.digest, layer.bytes);
    await push();
    const uploads = registry.requests.filter((line) => line.startsWith('PUT /v2/shop/blobs/'));
    expect(uploads).toHaveLength(1);
    expect(uploads[0]).toContain(encodeURIComponent(config.digest));
  });

  it.each([
    ['a busy registry', /HEAD .*manifests/, 429],
    ['a broken upload', /PUT .*uploads/, 0],
    ['an upload that can not be opened', /POST/, 503],
    ['a manifest that does not arrive', /PUT .*manifests/, 500],
  ])('gets over %s', async (_what, match, status) => {
    registry.failNext(match, status, 3);
    expect(await push()).toBe(true);
    expect(registry.manifests.has(tag)).toBe(true);
    expect(registry.blobs.size).toBe(2);
  });

  it('gives up after four attempts, and names address and reason', async () => {
    registry.failNext(/HEAD/, 0, 4);
    const failure = {
      code: 'PUSH_FAILED',
      message: expect.stringContaining(registry.access.baseUrl),
      hint: expect.stringMatching(/again/),
    };
    await expect(push()).rejects.toMatchObject(failure);
    expect(registry.requests).toHaveLength(4);
  });

  it('shows what the registry answered to a refusal, and never the password', async () => {
    registry.failNext(/PUT .*manifests/, 403);
    const error: unknown = await push().catch((cause: unknown) => cause);
    expect(error).toMatchObject({ code: 'PUSH_FAILED', message: expect.stringMatching(/403.*PUT.*PLANNED/) });
    expect(JSON.stringify(error) + String(error)).not.toContain('pass:word');
  });

  it('is content when somebody pushed the same image meanwhile', async () => {
    const racing = push();
    await Promise.all([racing, push()]);
    expect(registry.manifests.get(image.manifest.digest)).toEqual(image.manifest.bytes);
  });

  it('says that the repository is missing', async () => {
    await expect(push('unknown')).rejects.toMatchObject({
      code: 'NOT_BOOTSTRAPPED',
      message: expect.stringContaining('unknown'),
      hint: 'towpath bootstrap test',
    });
  });
});
