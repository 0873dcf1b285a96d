/** `exec`: a command in a running task. Its output is ours; what we have to say goes to standard error. */
import { exec, type LentTerminal } from '../../actions/index.ts';
import { EXIT } from '../../domain/errors.ts';
import type { CommandBody } from '../session.ts';

/** The end of the output that `--json` shows. */
const MAX_JSON_OUTPUT_BYTES = 1024 * 1024;

export function execCommand(environment: string, flags: Readonly<Record<string, unknown>>): CommandBody {
  return async ({ open, context, globals }) => {
    const [, words] = flags.args as readonly [string, readonly string[]];
    const ports = await open();
    const { input, output } = context.interactive;
    const interactive = input && output && !globals.json;
    const collected = globals.json ? collectOutput() : undefined;
    let terminal: LentTerminal | undefined;
    try {
      const result = await exec(ports, environment, {
        task: typeof flags.task === 'string' ? flags.task : undefined,
        command: words,
        bare: flags.bare === true,
        interactive,
        openTerminal: () => {
          terminal = collected?.terminal ?? context.lendTerminal(interactive);
          return terminal;
        },
        signal: context.signal,
      });
      return {
        json: { ...result, exitCode: result.exitCode ?? null, ...collected?.result() },
        text: '',
        exitCode: result.exitCode ?? EXIT.done,
      };
    } finally {
      terminal?.close();
    }
  };
}

function collectOutput(): {
  readonly terminal: LentTerminal;
  result(): { readonly output: string; readonly truncated: boolean };
} {
  let kept = Buffer.alloc(0);
  let truncated = false;
  return {
    terminal: {
      input: undefined,
      write(bytes) {
        const all = Buffer.concat([kept, bytes]);
        truncated ||= all.length > MAX_JSON_OUTPUT_BYTES;
        kept = all.subarray(-MAX_JSON_OUTPUT_BYTES);
        return undefined;
      },
      size: () => undefined,
      onResize: () => () => undefined,
      close() {},
    },
    result: () => ({ output: kept.toString('utf8'), truncated }),
  };
}
