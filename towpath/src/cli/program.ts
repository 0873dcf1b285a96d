/** The command line's grammar: every verb with its arguments and flags. What a verb does is in `commands/`. */
import { Command } from 'commander';
import type { ExitCode } from '../domain/errors.ts';
import type { CliContext, GlobalOptions } from './context.ts';
import { type CommandBody, runCommand } from './session.ts';

type Flags = Readonly<Record<string, unknown>>;
type Load = (environment: string | undefined, flags: Flags) => Promise<CommandBody>;

const HELP_AFTER = `
Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 waiting or declined, 70 a bug of ours.
The embedded AWS: --local on any command, or TOWPATH_TARGET=local.`;

export function createProgram(context: CliContext, setExitCode: (code: ExitCode) => void): Command {
  const program = new Command('towpath')
    .description(
      'Takes one container from a laptop to production on AWS Fargate, and rehearses it all on this computer.',
    )
    .version(context.version)
    .exitOverride()
    .configureOutput({ writeOut: (text) => context.write('out', text), writeErr: () => undefined })
    .showSuggestionAfterError()
    .addHelpText('after', HELP_AFTER);

  const act =
    (kind: 'question' | 'operation', load: Load) =>
    async (...args: unknown[]) => {
      const command = args.at(-1) as Command;
      const flags = command.optsWithGlobals<Flags>();
      const [environment] = command.processedArgs as (string | undefined)[];
      const body = await load(environment, { ...flags, args: command.processedArgs });
      setExitCode(await runCommand(context, globalsOf(flags, context), kind, body));
    };
  const verb = (parent: Command, usage: string, description: string) =>
    withGlobals(parent.command(usage).description(description).exitOverride());

  addEnvironmentVerbs(program, verb, act);
  addReleaseVerbs(program, verb, act);
  addSecretVerbs(program, verb, act);
  addLocalVerbs(program, verb, act);
  return program;
}

type Verb = (parent: Command, usage: string, description: string) => Command;
type Act = (kind: 'question' | 'operation', load: Load) => (...args: unknown[]) => Promise<void>;

function addEnvironmentVerbs(program: Command, verb: Verb, act: Act): void {
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
  verb(local, 'up', 'start it; it runs on in the background until `towpath local down`')
    .option('--speed <factor>', 'divide every interval of AWS by this; 1 is real time (default: 10)')
    .option('--port <port>', 'port of the endpoint')
    .option('--deploy', 'also deploy the first environment, then stay in the foreground until Ctrl-C')
    .action(
      act('operation', async (_env, flags) =>
        (await import('./commands/local-commands.ts')).localUpCommand(flags),
      ),
    );
  verb(local, 'down', 'stop it; what it held is gone').action(
    act('operation', async () => (await import('./commands/local-commands.ts')).localDownCommand()),
  );
  verb(local, 'env', 'print variables that point any AWS tool at it: eval "$(npx towpath local env)"').action(
    act('question', async () => (await import('./commands/local-commands.ts')).localEnvCommand()),
  );
  verb(local, 'status', 'endpoint, speed, environments and their tasks').action(
    act('question', async () => (await import('./commands/local-commands.ts')).localStatusCommand()),
  );
}

/** All words of a verb that takes several environments. */
function namesOf(flags: Flags): readonly string[] {
  return (flags.args as readonly (readonly string[])[])[0] ?? [];
}

function withGlobals(command: Command): Command {
  return command
    .option('--json', 'output for machines')
    .option('--verbose', 'stack traces and causes of errors')
    .option('--local', 'on the embedded AWS')
    .option('--as <identity>', 'identity on the embedded AWS: developer or reviewer')
    .option('--config <file>', 'configuration file (default: towpath.config.ts here or above)');
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
