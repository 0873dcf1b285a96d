/** How help looks: narrow enough for 80 columns, a verb's own options before those of every command. */
import { type Command, Help, type Option } from 'commander';

/** Heading of the options that every command takes. */
export const EVERYWHERE = 'With every command:';

/** For the program, before it has commands: they take it over. */
export function layOutHelp(program: Command): Command {
  return program.configureHelp({
    // Every command has options; saying so behind each would leave no room for what it does.
    subcommandTerm: (command) => `${command.name()} ${command.usage().replace(/ ?\[options\] ?/, '')}`.trim(),
    // `help` works, too; the last lines name the usual way.
    visibleCommands: (command) =>
      Help.prototype.visibleCommands.call(new Help(), command).filter((each) => each.name() !== 'help'),
    groupItems<T extends Command | Option>(items: T[], visible: T[], groupOf: (item: T) => string) {
      const groups = new Map<string, T[]>();
      for (const item of [...items, ...visible]) groups.set(groupOf(item), []);
      for (const item of visible) groups.get(groupOf(item))?.push(item);
      const everywhere = groups.get(EVERYWHERE);
      groups.delete(EVERYWHERE);
      return everywhere ? groups.set(EVERYWHERE, everywhere) : groups;
    },
  });
}
