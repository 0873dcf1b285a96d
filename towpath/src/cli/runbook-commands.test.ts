/** What docs/runbook.md tells people to type in the night exists, with its flags. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { createMemoryCli } from '../../test/fakes/memory-cli.ts';

const runbook = readFileSync(new URL('../../../docs/runbook.md', import.meta.url), 'utf8');

interface WrittenCommand {
  readonly text: string;
  readonly verb: readonly string[];
  readonly flags: readonly string[];
}

/** Every `npx towpath …`, in a block or within a sentence; what follows the verb in capitals is an argument. */
function writtenCommands(markdown: string): readonly WrittenCommand[] {
  return [...markdown.matchAll(/npx towpath ([^`#\n]+)/g)].map(([, text = '']) => {
    const words = text.trim().split(/\s+/);
    const end = words.findIndex((word) => !/^[a-z]+$/.test(word));
    return {
      text: text.trim(),
      verb: end === -1 ? words : words.slice(0, end),
      flags: words.filter((word) => /^--?[a-z]/.test(word)),
    };
  });
}

it('names commands and flags that there are', async () => {
  const commands = writtenCommands(runbook);
  expect(commands.length).toBeGreaterThan(20);
  const unknown: string[] = [];
  for (const { text, verb, flags } of commands) {
    const help = await createMemoryCli().run(...verb, '--help');
    const known = new Set<string>(help.out.match(/(?<=[\s,])--?[a-z][a-z-]*/g));
    const asked = help.out.startsWith(`Usage: towpath ${verb.join(' ')} [`);
    if (help.exitCode !== 0 || !asked || flags.some((flag) => !known.has(flag))) unknown.push(text);
  }
  expect(unknown).toEqual([]);
});

it('would find what there is not', async () => {
  expect(writtenCommands('$ npx towpath secret melt ENV --hot  # x\nor `npx towpath sync`.')).toEqual([
    { text: 'secret melt ENV --hot', verb: ['secret', 'melt'], flags: ['--hot'] },
    { text: 'sync', verb: ['sync'], flags: [] },
  ]);
  expect((await createMemoryCli().run('secret', 'melt', '--help')).out).not.toContain(
    'towpath secret melt [',
  );
});
