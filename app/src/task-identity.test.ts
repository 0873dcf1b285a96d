import { describe, expect, it } from 'vitest';
import { parseTaskMetadata, shortDigest, UNKNOWN_IDENTITY } from './task-identity.ts';

const DIGEST = `sha256:${'ab'.repeat(32)}`;
const OTHER_DIGEST = `sha256:${'cd'.repeat(32)}`;
const URI = 'http://169.254.170.2/v4/0f1e-1234567890';
const ARN = 'arn:aws:ecs:us-east-1:123456789012:task/devops-app-qa-ecs-cluster/0f1e';

function metadata(containers: readonly object[]): object {
  return {
    Cluster: 'devops-app-qa-ecs-cluster',
    TaskARN: ARN,
    AvailabilityZone: 'us-east-1c',
    Containers: containers,
  };
}

describe('parseTaskMetadata', () => {
  it('reads task, zone and image', () => {
    const container = {
      DockerId: '0f1e-1234567890',
      Type: 'NORMAL',
      Image: 'repo/app:latest',
      ImageID: DIGEST,
    };
    expect(parseTaskMetadata(metadata([container]), URI)).toEqual({
      taskArn: ARN,
      taskId: '0f1e',
      zone: 'us-east-1c',
      imageDigest: DIGEST,
      memoryLimitBytes: undefined,
    });
  });

  it.each([
    ['of its own', { Memory: 256 }, { CPU: 0.25, Memory: 512 }, 256 * 1_048_576],
    ['of the task where it has none of its own', { CPU: 2 }, { CPU: 0.25, Memory: 512 }, 512 * 1_048_576],
    ['not where there is none', { CPU: 2, Memory: 0 }, undefined, undefined],
    ['not where it is odd', { Memory: '256' }, { Memory: -1 }, undefined],
  ])('reads the limit of memory %s', (_name, own, ofTask, expected) => {
    const document = { ...metadata([{ Limits: own }]), Limits: ofTask };
    expect(parseTaskMetadata(document, URI).memoryLimitBytes).toBe(expected);
  });

  it('prefers the digest that the image was asked for by', () => {
    const container = { Image: `repo/app@${DIGEST}`, ImageID: OTHER_DIGEST };
    expect(parseTaskMetadata(metadata([container]), URI).imageDigest).toBe(DIGEST);
  });

  it('picks its own container among several', () => {
    const sidecar = { DockerId: 'x', Type: 'NORMAL', ImageID: OTHER_DIGEST };
    const own = { DockerId: '0f1e-1234567890', Type: 'NORMAL', ImageID: DIGEST };
    expect(parseTaskMetadata(metadata([sidecar, own]), URI).imageDigest).toBe(DIGEST);
  });

  it('passes over containers that ECS adds', () => {
    const pause = { DockerId: 'p', Type: 'CNI_PAUSE', ImageID: OTHER_DIGEST };
    expect(parseTaskMetadata(metadata([pause, { DockerId: 'q', ImageID: DIGEST }]), URI).imageDigest).toBe(
      DIGEST,
    );
  });

  it.each([[null], ['text'], [[]], [{}], [{ TaskARN: 7, Containers: 'none' }], [{ Containers: [null, 3] }]])(
    'knows nothing from %j',
    (document) => {
      expect(parseTaskMetadata(document, URI)).toEqual(UNKNOWN_IDENTITY);
    },
  );
});

describe('shortDigest', () => {
  it('is the first twelve digits', () => {
    expect(shortDigest(DIGEST)).toBe('abababababab');
    expect(shortDigest(undefined)).toBeUndefined();
  });
});
