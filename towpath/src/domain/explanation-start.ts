/** Tasks that never came to run: image, secrets, log group, network, role. AWS says what it was in the stop reason. Pure. */
import { type Confidence, type Evidence, type Explanation, taskName } from './explanation.ts';
import { shorten } from './explanation-log.ts';

/** What a rule for one wording works with. */
interface Said {
  readonly text: string;
  readonly evidence: Evidence;
  /** For `towpath` commands. */
  readonly environment: string;
  readonly where: string;
}

type Finding = Omit<Explanation, 'confidence'> & { readonly confidence?: Confidence };
interface WordRule {
  /** All of these words must have been said. */
  readonly when: readonly RegExp[];
  readonly finding: (said: Said) => Finding;
}

/** @returns undefined when the task came to run, or the words are of no known kind */
export function explainStart(evidence: Evidence): Explanation | undefined {
  const { culprit, settings } = evidence;
  if (!culprit) return undefined;
  const text = [culprit.stoppedReason, culprit.containerReason].filter(Boolean).join(' ');
  if (
    !/CannotPull|ResourceInitialization|CannotStart|CannotCreate|unable to assume|TaskFailedToStart|exec format/i.test(
      text,
    )
  )
    return undefined;
  const rule = WORD_RULES.find(({ when }) => when.every((words) => words.test(text)));
  if (!rule) return undefined;
  const environment = settings?.environment ?? 'ENV';
  return {
    confidence: 'certain',
    ...rule.finding({ text, evidence, environment, where: taskName(culprit) }),
  };
}

const UNREACHED =
  /i\/o timeout|connection issue between|context deadline exceeded|Client\.Timeout|request canceled|network is unreachable|no route to host|no such host/i;

/** The first that fits wins: refusals name a resource, and must not be taken for its absence. */
const WORD_RULES: readonly WordRule[] = [
  {
    when: [/AccessDenied|not authorized to perform/i, /\b(?:ssm|secretsmanager|kms):/],
    finding: ({ text, evidence, where }) => {
      const action = /perform: ([\w-]+:\w+)/.exec(text)?.[1] ?? 'ssm:GetParameters';
      const resource = /on resource: (\S+)/.exec(text)?.[1];
      const role =
        /assumed-role\/([^/\s]+)/.exec(text)?.[1] ?? evidence.settings?.executionRole ?? 'the execution role';
      return {
        kind: 'secret-not-readable',
        cause: `the execution role ${role} may not read ${resource ?? 'a secret'} (${action}; ${where})`,
        hint: `allow ${action} on it for the role ${role} (infra/modules/ecs/roles.tf), then deploy again`,
      };
    },
  },
  {
    when: [/AccessDenied|not authorized to perform/i],
    finding: ({ text, where }) => ({
      kind: 'role-lacks-permission',
      cause: `the execution role may not call ${/perform: ([\w-]+:\w+)/.exec(text)?.[1] ?? 'AWS'}: ${shorten(text)} (${where})`,
      hint: 'allow it in the execution role (infra/modules/ecs/roles.tf), then deploy again',
    }),
  },
  {
    when: [/unable to assume the role/i],
    finding: ({ text, where }) => ({
      kind: 'role-not-assumable',
      cause: `ECS can't assume the role ${/role '([^']+)'/.exec(text)?.[1] ?? ''} (${where})`.replace(
        '  ',
        ' ',
      ),
      hint: 'check that the role exists and trusts ecs-tasks.amazonaws.com, then deploy again',
    }),
  },
  {
    when: [/invalid parameters?: |ParameterNotFound|can't find the specified secret/i],
    finding: ({ text, environment, where }) => {
      const names = /invalid parameters?: ([^\s)]+(?:, [^\s)]+)*)/i.exec(text)?.[1] ?? 'a secret';
      const first = names.split(', ')[0] ?? names;
      const secret = first.split('/').at(-1) ?? first;
      return {
        kind: 'secret-missing',
        cause: `the secret ${names} does not exist (${where})`,
        hint: `towpath secret set ${environment} ${secret}`,
      };
    },
  },
  {
    when: [/log group does not exist|log driver.*ResourceNotFound|Cloudwatch log stream.*ResourceNotFound/i],
    finding: ({ text, evidence, where }) => {
      const group = /\(log group ([^)]+)\)/.exec(text)?.[1] ?? evidence.settings?.container?.logGroup;
      return {
        kind: 'log-group-missing',
        cause: `the log group ${group ?? 'of the task definition'} does not exist (${where})`,
        hint:
          group === undefined
            ? 'create the log group, then deploy again'
            : `aws logs create-log-group --log-group-name ${group}`,
      };
    },
  },
  {
    when: [/descriptor matching platform|no match for platform|descriptor for platform|exec format error/i],
    finding: ({ text, evidence, where }) => {
      const wanted = evidence.settings?.container?.architecture;
      const built = / is for (\S+?)\)?$/m.exec(text)?.[1];
      return {
        kind: 'image-architecture',
        cause: `the image is ${built ? `for ${built}` : 'for another architecture'}, while tasks run on ${describePlatform(wanted, text)} (${where})`,
        hint: `build the image for ${describePlatform(wanted, text)} (docker build --platform ${describePlatform(wanted, text)}), or set the architecture of the service`,
      };
    },
  },
  {
    when: [UNREACHED],
    finding: ({ text, where }) => {
      const host = /https?:\/\/([^/"\s]+)/.exec(text)?.[1];
      return {
        kind: 'no-way-out',
        cause: `the task's subnets have no way out: ${host ?? 'the image registry'} can't be reached (${where})`,
        hint: 'give the private subnets a NAT gateway or VPC endpoints (`nat` in towpath.config.ts), and let the security group out',
      };
    },
  },
  {
    when: [/CannotPull/i, /not found|manifest unknown|does not exist|name unknown/i],
    finding: ({ text, evidence, where }) => ({
      kind: 'image-missing',
      cause: `the image ${/failed to resolve ref (\S+?):? /.exec(text)?.[1] ?? evidence.settings?.container?.image ?? ''} is not in the registry (${where})`,
      hint: 'towpath build, then deploy again',
    }),
  },
  {
    when: [/CannotPull/i],
    finding: ({ text, where }) => ({
      kind: 'image-not-pullable',
      cause: `the image can't be pulled: ${shorten(text)} (${where})`,
      hint: 'check the registry, its limits and the rights of the execution role, then deploy again',
      confidence: 'likely',
    }),
  },
  {
    when: [
      /CannotStart|CannotCreate/i,
      /no such file|not found in \$PATH|permission denied|no command specified/i,
    ],
    finding: ({ text, where }) => ({
      kind: 'command-not-found',
      cause: `the container's command can't be run: ${shorten(/exec: .*$/.exec(text)?.[0] ?? text)} (${where})`,
      hint: 'mend ENTRYPOINT and CMD of the Dockerfile, or `command` of the service, then deploy again',
    }),
  },
];

function describePlatform(architecture: string | undefined, text: string): string {
  const named = /platform '?([\w]+\/[\w]+)/.exec(text)?.[1];
  return named ?? (architecture === 'ARM64' ? 'linux/arm64' : 'linux/amd64');
}
