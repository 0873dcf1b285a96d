/** What a service of a program of a few lines needs besides itself, made through the APIs of AWS: a network, an image. */
import { createHash } from 'node:crypto';
import {
  AttachInternetGatewayCommand,
  CreateInternetGatewayCommand,
  CreateRouteCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  DescribeRouteTablesCommand,
  type EC2Client,
} from '@aws-sdk/client-ec2';
import { CreateRepositoryCommand, ECRClient } from '@aws-sdk/client-ecr';
import tar from 'tar-stream';

const registry = '123456789012.dkr.ecr.us-east-1.amazonaws.com';

/** What an AWS SDK client is made with. */
export interface ClientOptions {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** Two zones with a way to the registry, which every task needs. */
export async function createNetwork(ec2: EC2Client): Promise<string[]> {
  // Chance, so that tasks of another embedded AWS on this computer do not meet these.
  const octet = 100 + Math.floor(Math.random() * 150);
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: `10.${octet}.0.0/16` }));
  const { InternetGateway } = await ec2.send(new CreateInternetGatewayCommand({}));
  const InternetGatewayId = InternetGateway?.InternetGatewayId;
  await ec2.send(new AttachInternetGatewayCommand({ VpcId: Vpc?.VpcId, InternetGatewayId }));
  const Filters = [{ Name: 'vpc-id', Values: [Vpc?.VpcId ?? ''] }];
  const { RouteTables } = await ec2.send(new DescribeRouteTablesCommand({ Filters }));
  await ec2.send(
    new CreateRouteCommand({
      RouteTableId: RouteTables?.[0]?.RouteTableId,
      DestinationCidrBlock: '0.0.0.0/0',
      GatewayId: InternetGatewayId,
    }),
  );
  const subnets: string[] = [];
  for (const [index, AvailabilityZone] of ['us-east-1a', 'us-east-1b'].entries()) {
    const CidrBlock = `10.${octet}.${index}.0/24`;
    const { Subnet } = await ec2.send(
      new CreateSubnetCommand({ VpcId: Vpc?.VpcId, CidrBlock, AvailabilityZone }),
    );
    subnets.push(Subnet?.SubnetId ?? '');
  }
  return subnets;
}

/**
 * An image that runs a program of Node.
 * @param name of the repository, made here
 * @returns the reference for a task definition
 */
export async function pushProgram(client: ClientOptions, name: string, program: string): Promise<string> {
  await new ECRClient(client).send(new CreateRepositoryCommand({ repositoryName: name }));
  const base = `${client.endpoint}/v2/${name}`;
  const layer = await packFile('app/main.mjs', program);
  const config = Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: { Cmd: ['node', '/app/main.mjs'], WorkingDir: '/app' },
      rootfs: { type: 'layers', diff_ids: [digestOf(layer)] },
    }),
  );
  const describe = (mediaType: string, bytes: Buffer) => ({
    ...{ mediaType, digest: digestOf(bytes), size: bytes.length },
  });
  for (const blob of [layer, config])
    await send(`${base}/blobs/uploads/?digest=${digestOf(blob)}`, 'POST', blob);
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: describe('application/vnd.oci.image.config.v1+json', config),
    layers: [describe('application/vnd.oci.image.layer.v1.tar', layer)],
  };
  await send(`${base}/manifests/1`, 'PUT', Buffer.from(JSON.stringify(manifest)));
  return `${registry}/${name}:1`;
}

async function send(url: string, method: string, body: Buffer): Promise<void> {
  const response = await fetch(url, { method, body: new Uint8Array(body) });
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`);
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

async function packFile(name: string, content: string): Promise<Buffer> {
  const pack = tar.pack();
  pack.entry({ name, mtime: new Date(0) }, content);
  pack.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of pack) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
