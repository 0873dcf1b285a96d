/** `local chaos`: its actions with their arguments and flags. What they do is in `commands/chaos-commands.ts`. */
import type { Command } from 'commander';
import type { Act, Verb } from './program.ts';

type Commands = typeof import('./commands/chaos-commands.ts');

const load = (): Promise<Commands> => import('./commands/chaos-commands.ts');

const CHAOS_HELP = `
Without an action: what is active. Everything ends by itself: --for 60s unless
it says otherwise, an hour at most. Examples:
  towpath local chaos zone-down us-east-1c --for 2m
  towpath local chaos kill-task test
  towpath local chaos fail-api ecs --action DescribeServices --share 0.3
  towpath local chaos undo --all`;

const FOR = [
  '--for <duration>',
  'real time until it ends by itself, such as 90s or 2m (default: 60s)',
] as const;
const SEED = ['--seed <number>', 'makes chance repeatable'] as const;
const SHARE = ['--share <part>', 'of the calls, above 0 up to 1'] as const;

/** @param local the command that it belongs to */
export function addChaosVerbs(local: Command, verb: Verb, act: Act): void {
  const chaos = verb(local, 'chaos [words...]', 'break something on purpose, for a limited time')
    .usage('[action] [options]')
    .addHelpText('after', CHAOS_HELP)
    // A word that is no action is told so by us, whatever comes after it.
    .allowUnknownOption()
    .action(act('question', async (_first, flags) => (await load()).listChaosCommand(flags)));
  verb(chaos, 'undo [id]', 'put one right, or everything')
    .option('--all', 'everything that is active')
    .action(act('question', async (id, flags) => (await load()).undoChaosCommand(id, flags)));
  const begin = (name: string) =>
    act('question', async (argument, flags) => (await load()).startChaosCommand(name, argument, flags));

  verb(chaos, 'zone-down <zone>', 'a zone fails: its tasks freeze, none is placed there')
    .option(...FOR)
    .action(begin('zone-down'));
  const ofTask = (name: string, description: string) =>
    verb(chaos, `${name} [environment]`, description)
      .option('--task <id>', 'which task, by the beginning of its id (default: chance decides)')
      .option('--service <name>', 'of this service only');
  ofTask('kill-task', 'a task crashes (SIGKILL); over at once, nothing to undo')
    .option(...SEED)
    .action(begin('kill-task'));
  ofTask('freeze-task', 'a task hangs (SIGSTOP)')
    .option(...SEED)
    .option(...FOR)
    .action(begin('freeze-task'));
  ofTask('fill-memory', 'a task runs out of memory')
    .option(...SEED)
    .option('--for <duration>', 'real time until it ends by itself (default: 30s, at most 60s)')
    .action(begin('fill-memory'));
  verb(chaos, 'interrupt-spot [environment]', 'Spot tasks get their two-minute notice; nothing to undo')
    .option('--task <id>', 'one task, by the beginning of its id (default: all on Spot)')
    .option('--service <name>', 'of this service only')
    .action(begin('interrupt-spot'));
  addCallVerbs(chaos, verb, begin);
}

function addCallVerbs(chaos: Command, verb: Verb, begin: (name: string) => ReturnType<Act>): void {
  const ofCalls = (name: string, description: string) =>
    verb(chaos, `${name} <service>`, description)
      .option('--action <name>', 'calls of this action only, such as DescribeServices')
      .option(...SHARE)
      .option(...SEED)
      .option(...FOR);
  ofCalls('slow-api', 'calls of a service of AWS are answered late')
    .requiredOption('--delay <time>', 'how much later, such as 500ms or 3s')
    .action(begin('slow-api'));
  ofCalls('fail-api', 'calls of a service of AWS fail')
    .option('--status <status>', 'HTTP status (default: 500)')
    .option('--code <error>', 'name of the error (default: what the service calls that status)')
    .action(begin('fail-api'));
  ofCalls('throttle-api', 'calls of a service of AWS are throttled')
    .option('--per-second <calls>', 'let so many pass (default, without --share: 1)')
    .action(begin('throttle-api'));
  verb(chaos, 'expire-credentials <identity>', 'the keys of developer, reviewer or all have expired')
    .option(...FOR)
    .action(begin('expire-credentials'));
}
