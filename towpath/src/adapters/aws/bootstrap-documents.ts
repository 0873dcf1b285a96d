/**
 * The policies and lifecycle rules that `bootstrap` writes, as data. Pure.
 * Sources: S3 User Guide ("Enforce conditional writes", "Lifecycle configuration elements"),
 * ECR User Guide ("Lifecycle policy parameters", "Private repository policy examples").
 */
import type { LifecycleRule } from '@aws-sdk/client-s3';
import { STATE_KEY } from '../../domain/names.ts';
import { LEDGER_PREFIX } from '../ledger/ledger-object.ts';

const STATE_VERSION_DAYS = 90;
/** Earlier states that stay however old they are, so that a quiet environment keeps a way back. */
const STATE_VERSIONS_KEPT = 20;
const LOCK_FILE_VERSION_DAYS = 1;
const MULTIPART_ABORT_DAYS = 7;
const UNTAGGED_IMAGE_DAYS = 14;
/** Images that stay, newest first; a rollback can't reach further back. */
const RELEASE_IMAGES_KEPT = 200;
/** Tags of pushed releases begin with this; see `build/registry-client.ts`. */
export const RELEASE_TAG_PREFIX = 'sha-';

export interface PolicyStatement {
  readonly Sid: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal: string | { readonly AWS: readonly string[] };
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

/**
 * Ledger objects are written once and stay; with `overTls`, nothing but TLS gets in, and a write to the ledger
 * that could overwrite is refused. Behind a plain http endpoint (the embedded AWS) the first would lock
 * everyone out, and conditions are not evaluated there.
 */
export function stateBucketPolicy(
  bucket: string,
  options: { readonly overTls: boolean },
): readonly PolicyStatement[] {
  const arn = `arn:aws:s3:::${bucket}`;
  const ledger = `${arn}/${LEDGER_PREFIX}*`;
  const always: readonly PolicyStatement[] = [
    {
      Sid: 'LedgerIsAppendOnly',
      Effect: 'Deny',
      Principal: '*',
      Action: ['s3:DeleteObject', 's3:DeleteObjectVersion'],
      Resource: ledger,
    },
  ];
  if (!options.overTls) return always;
  return [
    ...always,
    {
      Sid: 'TlsOnly',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:*',
      Resource: [arn, `${arn}/*`],
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    },
    {
      Sid: 'LedgerIsWrittenOnce',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:PutObject',
      Resource: ledger,
      Condition: { Null: { 's3:if-none-match': 'true' } },
    },
  ];
}

/** Old states and lock files go; the ledger has no rule, since it stays whole. */
export function stateBucketLifecycle(): LifecycleRule[] {
  return [
    {
      ID: 'old-states',
      Status: 'Enabled',
      Filter: { Prefix: STATE_KEY },
      NoncurrentVersionExpiration: {
        NoncurrentDays: STATE_VERSION_DAYS,
        NewerNoncurrentVersions: STATE_VERSIONS_KEPT,
      },
    },
    {
      ID: 'released-lock-files',
      Status: 'Enabled',
      Filter: { Prefix: `${STATE_KEY}.tflock` },
      NoncurrentVersionExpiration: { NoncurrentDays: LOCK_FILE_VERSION_DAYS },
      Expiration: { ExpiredObjectDeleteMarker: true },
    },
    {
      ID: 'abandoned-uploads',
      Status: 'Enabled',
      Filter: { Prefix: '' },
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: MULTIPART_ABORT_DAYS },
    },
  ];
}

export function repositoryLifecycle(): object {
  return {
    rules: [
      {
        rulePriority: 1,
        description: 'Images without a tag belong to no release',
        selection: {
          tagStatus: 'untagged',
          countType: 'sinceImagePushed',
          countUnit: 'days',
          countNumber: UNTAGGED_IMAGE_DAYS,
        },
        action: { type: 'expire' },
      },
      {
        rulePriority: 2,
        description: 'The newest releases stay',
        selection: {
          tagStatus: 'tagged',
          tagPrefixList: [RELEASE_TAG_PREFIX],
          countType: 'imageCountMoreThan',
          countNumber: RELEASE_IMAGES_KEPT,
        },
        action: { type: 'expire' },
      },
    ],
  };
}

/** Sid of the statement that is ours in a repository's policy. */
export const PULL_SID = 'TowpathEnvironmentsPull';

/** Lets the other environments' accounts pull, and look up whether a release's image is there. */
export function repositoryPullStatement(accounts: readonly string[]): PolicyStatement {
  return {
    Sid: PULL_SID,
    Effect: 'Allow',
    Principal: { AWS: [...new Set(accounts)].sort().map((account) => `arn:aws:iam::${account}:root`) },
    Action: [
      'ecr:BatchCheckLayerAvailability',
      'ecr:BatchGetImage',
      'ecr:DescribeImages',
      'ecr:DescribeRepositories',
      'ecr:GetDownloadUrlForLayer',
    ],
  };
}
