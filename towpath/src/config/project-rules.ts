/** What a project's values, apart from its service, must be to each other. Pure. */
import { tooLongNames } from '../domain/names.ts';
import type { Environment, Project } from '../domain/project.ts';
import { cidrsOverlap, isPrivate, PRIVATE_BLOCKS, parseCidr, renderCidr } from './cidr.ts';
import type { Finding } from './finding.ts';

/** Subnets are x.1 to x.3 and x.101 to x.103 of the network, each a /24. */
const VPC_PREFIX = 16;
const MIN_ZONES = 2;
const MAX_ZONES = 3;
/** Refused by ELB (`internal-`), Parameter Store (`aws`, `ssm`) and S3 (the others) at a name's beginning. */
const REFUSED_BEGINNINGS = ['internal-', 'aws', 'ssm', 'xn--', 'sthree-', 'amzn-s3-demo-'] as const;
/** Reserved by S3 at a bucket name's end. */
const REFUSED_BUCKET_ENDINGS = ['-s3alias', '--ols-s3', '--x-s3', '--table-s3'] as const;

/** Empty names and CIDRs stand for ones that are reported already; they break no rule here. */
export function projectFindings(project: Project): readonly Finding[] {
  return [
    ...projectNameFindings(project),
    ...zoneFindings(project),
    ...project.environments.flatMap((environment, index) => [
      ...cidrFindings(environment, `environments[${index}]`),
      ...nameFindings(project, environment, `environments[${index}]`),
      ...certificateFindings(project, environment, `environments[${index}]`),
      ...boundaryFindings(environment, `environments[${index}]`),
    ]),
    ...firstEnvironmentFindings(project),
    ...overlapFindings(project),
    ...duplicateFindings(project),
  ];
}

function projectNameFindings({ name }: Project): readonly Finding[] {
  const refused = REFUSED_BEGINNINGS.find((beginning) => name.startsWith(beginning));
  if (refused === undefined) return [];
  return [
    {
      at: ['project'],
      message: `AWS reserves names that begin with "${refused}", got ${JSON.stringify(name)}`,
    },
  ];
}

function zoneFindings({ region, availabilityZones: zones }: Project): readonly Finding[] {
  const findings: Finding[] = [];
  if (zones.length < MIN_ZONES || zones.length > MAX_ZONES) {
    const message = `must name two or three zones, got ${zones.length}: ${zones.join(', ') || 'none'}`;
    findings.push({ at: ['availabilityZones'], message });
  }
  for (const [index, zone] of zones.entries()) {
    const at = `availabilityZones[${index}]` as const;
    if (!(zone.startsWith(region) && /^[a-z]$/.test(zone.slice(region.length)))) {
      const message = `must be a zone of ${region}, like "${region}a", got ${JSON.stringify(zone)}`;
      findings.push({ at: [at, 'region'], message });
    } else if (zones.indexOf(zone) !== index) {
      findings.push({ at: [at], message: `${JSON.stringify(zone)} is listed twice` });
    }
  }
  return findings;
}

function cidrFindings({ cidr }: Environment, place: string): readonly Finding[] {
  if (cidr === '') return [];
  const at = [`${place}.cidr`] as const;
  const block = parseCidr(cidr);
  if (!block) return [{ at, message: `must be a network like "10.3.0.0/16", got ${JSON.stringify(cidr)}` }];
  const findings: Finding[] = [];
  if (block.prefix !== VPC_PREFIX) {
    const message = `must be a /${VPC_PREFIX}, which the subnets x.1 to x.3 and x.101 to x.103 need, got ${JSON.stringify(cidr)}`;
    findings.push({ at, message });
  }
  if (block.hostBits) {
    const message = `must be the first address of its network, ${renderCidr(block)}, got ${JSON.stringify(cidr)}`;
    findings.push({ at, message });
  }
  if (!isPrivate(block)) {
    const message = `must lie in a private range (${PRIVATE_BLOCKS.join(', ')}), got ${JSON.stringify(cidr)}`;
    findings.push({ at, message });
  }
  return findings;
}

function overlapFindings({ environments }: Project): readonly Finding[] {
  const findings: Finding[] = [];
  for (const [index, environment] of environments.entries()) {
    const block = parseCidr(environment.cidr);
    if (!block) continue;
    for (const [earlier, other] of environments.slice(0, index).entries()) {
      const otherBlock = parseCidr(other.cidr);
      if (!otherBlock || !cidrsOverlap(block, otherBlock)) continue;
      const message = `${environment.cidr} overlaps ${other.cidr} of environment ${JSON.stringify(other.name)} (environments[${earlier}]): each needs addresses of its own`;
      findings.push({ at: [`environments[${index}].cidr`, `environments[${earlier}].cidr`], message });
    }
  }
  return findings;
}

function nameFindings(project: Project, environment: Environment, place: string): readonly Finding[] {
  const findings: Finding[] = [];
  if (project.name !== '' && environment.name !== '') {
    for (const { kind, name, limit } of tooLongNames(project.name, environment)) {
      const at =
        name === environment.stateBucket
          ? ([`${place}.stateBucket`, `${place}.name`, 'project'] as const)
          : ([`${place}.name`, 'project'] as const);
      const message = `the ${kind} would be named ${JSON.stringify(name)}, ${name.length} characters; AWS allows ${limit}: shorten project and environment names by ${name.length - limit}`;
      findings.push({ at, message });
    }
  }
  const { stateBucket } = environment;
  const refused =
    REFUSED_BEGINNINGS.slice(3).find((beginning) => stateBucket.startsWith(beginning)) ??
    REFUSED_BUCKET_ENDINGS.find((ending) => stateBucket.endsWith(ending));
  if (refused !== undefined && !stateBucket.startsWith(`${project.name}-`)) {
    const message = `S3 reserves bucket names with "${refused}" there, got ${JSON.stringify(stateBucket)}`;
    findings.push({ at: [`${place}.stateBucket`], message });
  }
  return findings;
}

function certificateFindings(project: Project, environment: Environment, place: string): readonly Finding[] {
  const { certificateArn, account } = environment;
  if (certificateArn === undefined) return [];
  const [, , , region, owner] = certificateArn.split(':');
  const at = `${place}.certificateArn` as const;
  const findings: Finding[] = [];
  if (region !== project.region) {
    findings.push({
      at: [at, 'region'],
      message: `must be a certificate in ${project.region}, where the load balancer is, got one in ${region}`,
    });
  }
  if (account !== undefined && owner !== account) {
    findings.push({
      at: [at, `${place}.account`],
      message: `must be a certificate of account ${account}, got one of ${owner}`,
    });
  }
  return findings;
}

/** IAM takes a boundary of the role's own account, or one of AWS's own policies. */
function boundaryFindings({ permissionsBoundary, account }: Environment, place: string): readonly Finding[] {
  const owner = permissionsBoundary?.split(':')[4];
  if (owner === undefined || owner === 'aws' || account === undefined || owner === account) return [];
  const message = `must be a policy of account ${account}, got one of ${owner}: ${permissionsBoundary}`;
  return [{ at: [`${place}.permissionsBoundary`, `${place}.account`], message }];
}

function firstEnvironmentFindings({ environments }: Project): readonly Finding[] {
  const first = environments[0];
  if (!first) return [];
  const { trigger, approvals, soakSeconds } = first.promotion;
  const why = `is meaningless in the first environment, ${JSON.stringify(first.name)}: nothing is promoted to it`;
  const findings: Finding[] = [];
  if (trigger !== 'manual')
    findings.push({ at: ['environments[0].promotion.trigger'], message: `"${trigger}" ${why}` });
  if (approvals !== 0)
    findings.push({ at: ['environments[0].promotion.approvals'], message: `${approvals} ${why}` });
  if (soakSeconds !== 0)
    findings.push({ at: ['environments[0].promotion.soak'], message: `${soakSeconds} s ${why}` });
  return findings;
}

function duplicateFindings({ environments }: Project): readonly Finding[] {
  return [
    ...duplicates(environments, 'name', ({ name }) => name),
    ...duplicates(environments, 'stateBucket', ({ stateBucket }) => stateBucket),
    // Table names are unique in one account only; bucket names in the whole world.
    ...duplicates(environments, 'lockTable', ({ lockTable, account }) => `${account ?? ''}:${lockTable}`),
  ];
}

function duplicates(
  environments: readonly Environment[],
  key: 'name' | 'stateBucket' | 'lockTable',
  identify: (environment: Environment) => string,
): readonly Finding[] {
  const first = new Map<string, number>();
  const findings: Finding[] = [];
  for (const [index, environment] of environments.entries()) {
    if (environment.name === '') continue;
    const identity = identify(environment);
    const earlier = first.get(identity);
    if (earlier === undefined) first.set(identity, index);
    else if (key === 'name' || environments[earlier]?.name !== environment.name) {
      const at = [`environments[${index}].${key}`, `environments[${earlier}].${key}`] as const;
      const message = `${JSON.stringify(environment[key])} is already the ${key} of environments[${earlier}]: each environment needs its own`;
      findings.push({ at, message });
    }
  }
  return findings;
}
