/** The command line's grammar: every verb with its arguments and flags. What a verb does is in `commands/`. */
import { Command, Option } from 'commander';
import { addChaosVerbs } from './chaos-grammar.ts';
import type { CliContext, GlobalOptions } from './context.ts';
import { EVERYWHERE, layOutHelp } from './help-layout.ts';
import { type CommandBody, type CommandKind, runCommand } from './session.ts';

type Flags = Readonly<Record<string, unknown>>;
type Load = (environment: string | undefined, flags: Flags) => Promise<CommandBody>;

const HELP_AFTER = `
towpath <command> --help explains its options.
The embedded AWS: --local on any command, or TOWPATH_TARGET=local.
Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 waiting or declined,
70 a bug of ours.`;

export function createProgram(context: CliContext, setExitCode: (code: number) => void): Command {
  const program = layOutHelp(new Command('towpath'))
    .description(
      'Takes one container from a laptop to production on AWS Fargate, and rehearses it all on this computer.',
    )
    .version(context.version)
    .exitOverride()
    .configureOutput({ writeOut: (text) => context.write('out', text), writeErr: () => undefined })
    .showSuggestionAfterError()
    .addHelpText('after', HELP_AFTER);

  const act =
    (kind: CommandKind, load: Load) =>
    async (...args: unknown[]) => {
      const command = args.at(-1) as Command;
      const flags = command.optsWithGlobals<Flags>();
      const [environment] = command.processedArgs as (string | undefined)[];
      const body = await load(environment, { ...flags, args: command.processedArgs });
      setExitCode(await runCommand(context, globalsOf(flags, context), kind, body));
    };
  const verb = (parent: Command, usage: string, description: string) =>
    withGlobals(parent.command(usage).description(description).exitOverride());

  program.commandsGroup('Prepare:');
  addPreparingVerbs(program, verb, act);
  addSecretVerbs(program, verb, act);
  program.commandsGroup('Bring releases up the ladder:');
  addDeployVerbs(program, verb, act);
  addReleaseVerbs(program, verb, act);
  program.commandsGroup('See how it is, and step in:');
  addStateVerbs(program, verb, act);
  addOperationVerbs(program, verb, act);
  program.commandsGroup('Look after:');
  addCareVerbs(program, verb, act);
  program.commandsGroup('On this computer:');
  addLocalVerbs(program, verb, act);
  addStackVerbs(program, verb, act);
  return program;
}

export type Verb = (parent: Command, usage: string, description: string) => Command;
export type Act = (kind: CommandKind, load: Load) => (...args: unknown[]) => Promise<void>;

function addPreparingVerbs(program: Command, verb: Verb, act: Act): void {
  verb(program, 'sync', 'write infra/envs/ from towpath.config.ts')
    .option('--check', 'change nothing; exit 1 when they are stale')
    .action(
      act('question', async (_env, flags) =>
        (await import('./commands/project-commands.ts')).syncCommand({ check: flags.check === true }),
      ),
    );
  verb(
    program,
    'bootstrap <environment>',
    'make what must exist before Terraform: state bucket, lock table, image repository',
  ).action(
    act('operation', async (env) =>
      (await import('./commands/project-commands.ts')).bootstrapCommand(String(env)),
    ),
  );
  verb(program, 'build', 'build the image, push it, print the release').action(
    act('operation', async () => (await import('./commands/project-commands.ts')).buildCommand()),
  );
}

function addDeployVerbs(program: Command, verb: Verb, act: Act): void {
  verb(program, 'plan [environments...]', 'show what Terraform would change; change nothing')
    .option('--all', 'every environment')
    .option('--from-source', 'with a fresh build instead of the image that runs')
    .action(
      act('operation', async (_env, flags) =>
        (await import('./commands/deploy-commands.ts')).planCommand(namesOf(flags), flags),
      ),
    );
  verb(program, 'deploy [environments...]', 'build the source and make the environment run it')
    .option('--all', 'every environment; those after the first need --break-glass')
    .option(...GENERATE_SECRETS)
    .option(...ALLOW_DESTROY)
    .option('--break-glass <why>', 'deploy past the ladder; the reason is recorded')
    .action(
      act('operation', async (_env, flags) =>
        (await import('./commands/deploy-commands.ts')).deployCommand(namesOf(flags), flags),
      ),
    );
}

function addStateVerbs(program: Command, verb: Verb, act: Act): void {
  verb(program, 'status [environments...]', 'what each environment runs, where, and how it is').action(
    act('question', async (_env, flags) =>
      (await import('./commands/status-command.ts')).statusCommand(namesOf(flags)),
    ),
  );
  verb(program, 'history <environment>', 'what happened to an environment, newest first')
    .option('--limit <entries>', 'show this many (default: 20; with --json all)')
    .option('--verify', 'read every object of the ledger and prove the chain; exit 1 when it does not hold')
    .action(
      act('question', async (env, flags) =>
        (await import('./commands/history-command.ts')).historyCommand(String(env), flags),
      ),
    );
}

function addCareVerbs(program: Command, verb: Verb, act: Act): void {
  verb(program, 'unlock <environment>', 'say who holds the environment, and free it when the holder is gone')
    .option('--force', 'free it although the holder lives or may live')
    .action(
      act('operation', async (env, flags) =>
        (await import('./commands/project-commands.ts')).unlockCommand(String(env), {
          force: flags.force === true,
        }),
      ),
    );
  verb(program, 'destroy [environments...]', 'take the environment down to what bootstrap made')
    .option('--all', 'every environment')
    .option('--yes', 'do not ask')
    .option('--allow-destroy', 'also when the environment is protected')
    .action(
      act('operation', async (_env, flags) =>
        (await import('./commands/deploy-commands.ts')).destroyCommand(namesOf(flags), flags),
      ),
    );
}

const GENERATE_SECRETS = ['--generate-secrets', 'generate values for secrets that have none'] as const;
const ALLOW_DESTROY = [
  '--allow-destroy',
  'let the plan destroy or replace things in a protected environment',
] as const;

function addReleaseVerbs(program: Command, verb: Verb, act: Act): void {
  type Commands = typeof import('./commands/promotion-commands.ts');
  const run = (choose: (commands: Commands) => (environment: string, flags: Flags) => CommandBody) =>
    act('operation', async (env, flags) =>
      choose(await import('./commands/promotion-commands.ts'))(String(env), flags),
    );
  verb(program, 'promote <environment>', 'move the release that is verified in the environment before')
    .option(...GENERATE_SECRETS)
    .option(...ALLOW_DESTROY)
    .action(run(({ promoteCommand }) => promoteCommand));
  verb(program, 'approve <environment>', 'say yes to its open promotion; the last yes runs it')
    .option(...GENERATE_SECRETS)
    .option(...ALLOW_DESTROY)
    .action(run(({ approveCommand }) => approveCommand));
  verb(program, 'reject <environment>', 'say no to its open promotion')
    .requiredOption('--reason <why>', 'why; it is recorded')
    .action(run(({ rejectCommand }) => rejectCommand));
  verb(program, 'rollback <environment>', 'back to an earlier release that succeeded here')
    .option('--to <release>', 'which; the one before the current when left out')
    .option(...ALLOW_DESTROY)
    .action(run(({ rollbackCommand }) => rollbackCommand));
  verb(program, 'apply <environment>', 'the current release with changed configuration, through the gates')
    .option(...GENERATE_SECRETS)
    .option(...ALLOW_DESTROY)
    .action(run(({ applyCommand }) => applyCommand));
}

function addOperationVerbs(program: Command, verb: Verb, act: Act): void {
  verb(program, 'logs <environment>', 'what its tasks wrote, of the service and of `run`')
    .option('-f, --follow', 'go on with what comes, until Ctrl-C')
    .option('--since <when>', 'from then on: 10m, 1h30m, or a time in ISO 8601 (default: 10m)')
    .option('--until <when>', 'up to then')
    .option('--filter <text>', 'lines that contain this, letter by letter')
    .option('--task <id>', 'of one task, by the beginning of its id')
    .option('--release <release>', 'of the tasks that ran it: current, previous or r-...')
    .option('--limit <lines>', 'the newest so many of what there is (default: 1000)')
    .addHelpText('after', LOGS_HELP)
    .action(
      act('session', async (env, flags) =>
        (await import('./commands/logs-command.ts')).logsCommand(String(env), flags),
      ),
    );
  verb(program, 'metrics <environment>', 'CPU, memory, tasks, requests, errors and latency, over time')
    .option('--since <when>', 'from then on: 30m, 1d, or a time in ISO 8601 (default: 1h)')
    .action(
      act('question', async (env, flags) =>
        (await import('./commands/metrics-command.ts')).metricsCommand(String(env), flags),
      ),
    );
  verb(program, 'exec <environment> [command...]', 'run a command in a running task: exec ENV -- COMMAND ...')
    .option('--task <id>', 'which task, by the beginning of its id (default: the newest)')
    .option('--bare', 'without the shell that tells the exit code, for images that have no /bin/sh')
    .addHelpText('after', EXEC_HELP)
    .action(
      act('session', async (env, flags) =>
        (await import('./commands/exec-command.ts')).execCommand(String(env), flags),
      ),
    );
  verb(
    program,
    'run <environment> <command...>',
    'run a command in a task of its own: run ENV -- COMMAND ...',
  )
    .option('--timeout <minutes>', 'stop it after this (default: 60)')
    .addHelpText('after', RUN_HELP)
    .action(
      act('session', async (env, flags) =>
        (await import('./commands/run-command.ts')).runTaskCommand(String(env), flags),
      ),
    );
}

const LOGS_HELP = `
Lines go to standard output, what we have to say to standard error. Times are
UTC. JSON lines are shown with level, message and the other fields; others as
they are. --json: one object a line. A task that ECS has forgotten belongs to
the release that was deployed when it was started.`;

const RUN_HELP = `
The task has the release, size, network and secrets of the service, and takes
no requests. Its log goes to standard output, and its exit code is ours. Ctrl-C
stops the task.`;

const EXEC_HELP = `
Without a command: /bin/sh. At a terminal, keys (Ctrl-C too) go to the command;
elsewhere it gets no input and its output goes to standard output as it is.
Exits with the command's own code.`;

function addSecretVerbs(program: Command, verb: Verb, act: Act): void {
  const secret = program
    .command('secret')
    .description('secrets of an environment; never through Terraform state, arguments or logs')
    .exitOverride();
  verb(
    secret,
    'set <environment> <name>',
    'set a value: asked for at a terminal, or read from standard input',
  )
    .option('--stdin', 'read the value from standard input')
    .option('--generate', 'generate 32 random bytes')
    .action(
      act('operation', async (env, flags) =>
        (await import('./commands/secret-commands.ts')).setSecretCommand(String(env), flags),
      ),
    );
  verb(secret, 'list <environment>', 'which secrets the service needs, and which have a value').action(
    act('question', async (env) =>
      (await import('./commands/secret-commands.ts')).listSecretsCommand(String(env)),
    ),
  );
}

function addLocalVerbs(program: Command, verb: Verb, act: Act): void {
  const local = program.command('local').description('the embedded AWS on this computer').exitOverride();
  verb(
    local,
    'up',
    'start it with what it held before; it runs on in the background until `towpath local down`',
  )
    .option('--speed <factor>', 'divide every interval of AWS by this; 1 is real time (default: 10)')
    .option('--port <port>', 'port of the endpoint')
    .option(
      '--driver <name>',
      'process: tasks are processes (default); docker: containers, with a container engine',
    )
    .option('--deploy', 'also deploy the first environment, then stay in the foreground until Ctrl-C')
    .action(
      act('operation', async (_env, flags) =>
        (await import('./commands/local-commands.ts')).localUpCommand(flags),
      ),
    );
  verb(local, 'down', 'stop it; `towpath local up` brings back what it held')
    .option('--purge', 'also forget everything: AWS resources, images, keys, logs')
    .action(
      act('operation', async (_env, flags) =>
        (await import('./commands/local-commands.ts')).localDownCommand(flags),
      ),
    );
  verb(local, 'env', 'print variables that point any AWS tool at it: eval "$(npx towpath local env)"').action(
    act('question', async () => (await import('./commands/local-commands.ts')).localEnvCommand()),
  );
  verb(local, 'status', 'endpoint, speed, environments and their tasks').action(
    act('question', async () => (await import('./commands/local-status-command.ts')).localStatusCommand()),
  );
  addChaosVerbs(local, verb, act);
}

function addStackVerbs(program: Command, verb: Verb, act: Act): void {
  type Commands = typeof import('./commands/stack-commands.ts');
  const run = (kind: CommandKind, choose: (commands: Commands, flags: Flags) => CommandBody) =>
    act(kind, async (_env, flags) => choose(await import('./commands/stack-commands.ts'), flags));
  const stack = program
    .command('stack')
    .description('the local development stack: Prometheus, Grafana, Redis, and the app from its source')
    .exitOverride();
  verb(stack, 'up', 'start it; it runs on in the background until `towpath stack down`')
    .option('--foreground', 'stay, show what the app writes and what becomes of changes, until Ctrl-C')
    .option(
      '--runner <name>',
      'compose: containers; native: programs of this computer (default: what there is, containers first)',
    )
    .action(run('operation', ({ stackUpCommand }, flags) => stackUpCommand(flags)));
  verb(stack, 'down', 'stop it, and end what one that was killed has left').action(
    run('operation', ({ stackDownCommand }) => stackDownCommand()),
  );
  verb(stack, 'status', 'what runs where, and what is missing').action(
    run('question', ({ stackStatusCommand }) => stackStatusCommand()),
  );
}

/** All words of a verb that takes several environments. */
function namesOf(flags: Flags): readonly string[] {
  return (flags.args as readonly (readonly string[])[])[0] ?? [];
}

const GLOBALS = [
  ['--json', 'output for machines'],
  ['--verbose', 'stack traces and causes of errors'],
  ['--local', 'on the embedded AWS'],
  ['--as <identity>', 'identity on the embedded AWS: developer or reviewer'],
  ['--config <file>', 'configuration file (default: towpath.config.ts here or above)'],
] as const;

function withGlobals(command: Command): Command {
  for (const [flags, description] of GLOBALS)
    command.addOption(new Option(flags, description).helpGroup(EVERYWHERE));
  return command;
}

function globalsOf(flags: Flags, context: CliContext): GlobalOptions {
  const text = (value: unknown) => (typeof value === 'string' ? value : undefined);
  return {
    json: flags.json === true,
    verbose: flags.verbose === true,
    local: flags.local === true || context.env.TOWPATH_TARGET === 'local',
    as: text(flags.as),
    config: text(flags.config),
  };
}
