/** One command's run: its view, its prompter, and what they share. */

import type { Notifier, Ports, Prompter } from '../actions/index.ts';
import { EXIT, TowpathError } from '../domain/errors.ts';
import { Secret } from '../domain/secret.ts';
import { type Address, addressingView } from './address-commands.ts';
import type { CliContext, GlobalOptions } from './context.ts';
import { createJsonView } from './views/json-view.ts';
import { createLineView } from './views/line-view.ts';
import { createPaint, type Paint, wantsColour } from './views/style.ts';
import type { CommandResult, Output, View } from './views/view.ts';

export interface CommandSession {
  readonly context: CliContext;
  readonly globals: GlobalOptions;
  readonly view: View;
  readonly paint: Paint;
  open(): Promise<Ports>;
}

/** What a command does; its answer is shown by the view. `exitCode` where success is not the only outcome, or a program's own. */
export type CommandBody = (
  session: CommandSession,
) => Promise<CommandResult & { readonly exitCode?: number }>;

/**
 * What a command is: it answers a question, does something step by step, or hands standard output to a program of the
 * user's. It decides what is printed where, and what `--json` streams.
 */
export type CommandKind = 'question' | 'operation' | 'session';

/** Runs a command in the requested format and turns its outcome into an exit code. */
export async function runCommand(
  context: CliContext,
  globals: GlobalOptions,
  kind: CommandKind,
  body: CommandBody,
): Promise<number> {
  const paint = choosePaint(context, globals);
  const view = addressingView(await chooseView(context, globals, kind, paint), addressOf(context, globals));
  const prompter = createPrompter(context, globals, view);
  const notifier: Notifier = kind === 'operation' || !globals.json ? view : { notify() {} };
  try {
    const result = await body({
      context,
      globals,
      view,
      paint,
      open: () => context.openProject(globals, { notifier, prompter }),
    });
    view.result(result);
    return result.exitCode ?? EXIT.done;
  } catch (error) {
    view.error(context.signal.aborted ? abortedBy(error) : error, { verbose: globals.verbose });
    return error instanceof TowpathError ? error.exitCode : context.signal.aborted ? EXIT.failed : EXIT.bug;
  } finally {
    view.close();
  }
}

function abortedBy(error: unknown): unknown {
  if (error instanceof TowpathError && (error.code !== 'ABORTED' || error.hint !== undefined)) return error;
  return new TowpathError('ABORTED', error instanceof TowpathError ? error.message : 'Interrupted.', {
    cause: error,
    hint: 'the same command goes on where this one stopped',
  });
}

/** What a recommended command needs to go where this one went. */
function addressOf(context: CliContext, globals: GlobalOptions): Address {
  if (!globals.local) return { flags: '', approvers: [] };
  return {
    flags: context.env.TOWPATH_TARGET === 'local' ? '' : '--local',
    approvers: globals.as === 'reviewer' ? ['developer', 'reviewer'] : ['reviewer', 'developer'],
  };
}

function choosePaint(context: CliContext, globals: GlobalOptions): Paint {
  return createPaint(!globals.json && wantsColour(context.interactive.output, context.env));
}

async function chooseView(
  context: CliContext,
  globals: GlobalOptions,
  kind: CommandKind,
  paint: Paint,
): Promise<View> {
  const output = (stream: 'out' | 'err'): Output => ({
    write: (text) => context.write(stream, text),
    get columns() {
      return context.columns();
    },
  });
  if (globals.json) return createJsonView(output('out'), { stream: kind === 'operation' });
  // Standard output belongs to the program.
  if (kind === 'session') return createLineView(output('err'), output('err'), paint);
  if (kind === 'question' || !context.interactive.output)
    return createLineView(output('out'), output('err'), paint);
  const [{ createLiveView }, { default: redraw }] = await Promise.all([
    import('./views/live-view.ts'),
    import('log-update'),
  ]);
  return createLiveView({ out: output('out'), err: output('err'), paint, redraw, now: context.now });
}

/** Asks at a terminal only: elsewhere, and with --json, every answer is undefined at once. */
function createPrompter(context: CliContext, globals: GlobalOptions, view: View): Prompter {
  const canAsk = context.interactive.input && context.interactive.output && !globals.json;
  return {
    async secret(question) {
      if (!canAsk) return undefined;
      const resume = view.pause();
      const { password, isCancel } = await import('@clack/prompts');
      const answer = await password({
        message: question,
        validate: (value) => (value ? undefined : 'it must not be empty'),
      });
      resume();
      return isCancel(answer) ? undefined : new Secret(answer);
    },
    async confirm(question) {
      if (!canAsk) return undefined;
      const resume = view.pause();
      const { confirm, isCancel } = await import('@clack/prompts');
      const answer = await confirm({ message: question, initialValue: false });
      resume();
      return isCancel(answer) ? undefined : answer;
    },
  };
}
