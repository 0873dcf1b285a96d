/**
 * Commands that are recommended go where this one went: what a person copies from the terminal must not suddenly
 * point at AWS. Actions recommend plain commands; only the command line knows about `--local` and `--as`. Pure.
 */
import { TowpathError } from '../domain/errors.ts';
import type { ProgressEvent } from '../domain/progress.ts';
import type { CommandResult, View } from './views/view.ts';

export interface Address {
  /** Flags that every recommended command needs, such as `--local`; empty for none. */
  readonly flags: string;
  /** Who can approve where identities are switched by a flag, the most likely first; empty where people log in. */
  readonly approvers: readonly string[];
}

const WITH_ENVIRONMENT =
  /(?:\bother than ([\w.@-]+) runs: )?\btowpath (bootstrap|plan|deploy|promote|approve|reject|rollback|apply|history|unlock|destroy|status|secret list|secret set) ([\w-]+)(?![\w-])(?! --local)/g;
const WITHOUT_ENVIRONMENT = /\btowpath (status|build)(?= *(?:$|[;,)\n]))/g;

/** Text with the flags put behind each command that it recommends. */
export function addressCommands(text: string, { flags, approvers }: Address): string {
  const append = (command: string, requester: string | undefined, verb: string) => {
    // Who asked for a promotion can't approve it.
    const approver = verb === 'approve' ? approvers.find((name) => name !== requester) : undefined;
    const as = approver === undefined ? '' : `--as ${approver}`;
    return [command, flags, as].filter((part) => part !== '').join(' ');
  };
  return text
    .replaceAll(WITH_ENVIRONMENT, append)
    .replaceAll(WITHOUT_ENVIRONMENT, (command, verb: string) => append(command, undefined, verb));
}

/** A view that addresses every command it shows. */
export function addressingView(view: View, address: Address): View {
  const words = (text: string) => addressCommands(text, address);
  return {
    ...view,
    notify: (event) => view.notify(addressEvent(event, words)),
    result: (result: CommandResult) => view.result({ ...result, text: words(result.text) }),
    error: (error, options) => view.error(addressError(error, words), options),
  };
}

function addressEvent(event: ProgressEvent, words: (text: string) => string): ProgressEvent {
  if (event.type === 'note') return { ...event, text: words(event.text) };
  if (event.type === 'warning') {
    return {
      ...event,
      text: words(event.text),
      hint: event.hint === undefined ? undefined : words(event.hint),
    };
  }
  return event;
}

function addressError(error: unknown, words: (text: string) => string): unknown {
  if (!(error instanceof TowpathError) || error.hint === undefined) return error;
  const { code, message, problems, context, cause } = error;
  const addressed = new TowpathError(code, message, { hint: words(error.hint), problems, context, cause });
  if (error.stack !== undefined) addressed.stack = error.stack;
  return addressed;
}
