/**
 * Plain Terraform as somebody without Towpath runs it: endpoint, keys and region in the environment, nothing else.
 * Its provider comes from an offline mirror where one is found by a search of its own.
 */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type CommandResult, runCommand } from './run-command.ts';

export interface HandOptions {
  /** Usually `infra/`. */
  readonly cwd: string;
  readonly endpoint: string;
  readonly region?: string;
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
  /** Added to the environment, such as `TF_DATA_DIR`. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface TerraformByHand {
  run(args: readonly string[], timeoutMs?: number): Promise<CommandResult>;
  /** The environment that it runs in, for other programs beside it. */
  readonly env: NodeJS.ProcessEnv;
  remove(): void;
}

const DEFAULT_LIMIT_MS = 300_000;
const REGISTRY = 'registry.terraform.io';
const INHERITED = [
  'PATH',
  'HOME',
  'TMPDIR',
  'LANG',
  'SSL_CERT_FILE',
  'HTTPS_PROXY',
  'https_proxy',
  'NO_PROXY',
  'no_proxy',
];

export function terraformByHand(options: HandOptions): TerraformByHand {
  const folder = mkdtempSync(join(tmpdir(), 'towpath-by-hand-'));
  const cliConfig = join(folder, 'terraform.rc');
  writeFileSync(cliConfig, cliConfiguration(findMirror()));
  const inherited = INHERITED.flatMap((name) =>
    process.env[name] === undefined ? [] : [[name, process.env[name]]],
  );
  const env: NodeJS.ProcessEnv = {
    ...Object.fromEntries(inherited),
    AWS_ENDPOINT_URL: options.endpoint,
    AWS_ACCESS_KEY_ID: options.accessKeyId ?? 'test',
    AWS_SECRET_ACCESS_KEY: options.secretAccessKey ?? 'test',
    AWS_REGION: options.region ?? 'us-east-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    TF_CLI_CONFIG_FILE: cliConfig,
    ...options.env,
  };
  return {
    env,
    run: (args, timeoutMs = DEFAULT_LIMIT_MS) =>
      runCommand('terraform', args, { cwd: options.cwd, env, timeoutMs }),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function cliConfiguration(mirror: string | undefined): string {
  if (mirror === undefined) return 'disable_checkpoint = true\n';
  return `disable_checkpoint = true
provider_installation {
  filesystem_mirror {
    path    = ${JSON.stringify(mirror)}
    include = ["${REGISTRY}/*/*"]
  }
}
`;
}

/** Two levels below the usual roots; `TOWPATH_PROVIDER_MIRROR` names one elsewhere. */
function findMirror(): string | undefined {
  const named = process.env.TOWPATH_PROVIDER_MIRROR;
  if (named === 'none') return undefined;
  if (named !== undefined && named !== '') return named.endsWith(REGISTRY) ? dirname(named) : named;
  const roots = [
    '/opt',
    '/srv',
    '/usr/local',
    '/usr/share/terraform',
    '/usr/local/share/terraform',
    homedir(),
  ];
  return [...roots, ...roots.flatMap(folders)].find((folder) =>
    existsSync(join(folder, REGISTRY, 'hashicorp', 'aws')),
  );
}

function folders(root: string): readonly string[] {
  if (!existsSync(root)) return [];
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(root, entry.name));
}
