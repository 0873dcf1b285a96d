/**
 * Output for machines. Commands that do something print an event a line and end with one of type `result`
 * or `error`; commands that answer a question print one document.
 */
import { EXIT, TowpathError } from '../../domain/errors.ts';
import type { Output, View } from './view.ts';

export function createJsonView(out: Output, options: { readonly stream: boolean }): View {
  const print = (value: unknown) => out.write(`${JSON.stringify(value)}\n`);
  return {
    notify(event) {
      if (options.stream) print(event);
    },
    result(result) {
      if (result.json === undefined) return;
      print(options.stream ? { type: 'result', ...result.json } : result.json);
    },
    error(error, { verbose }) {
      const body =
        error instanceof TowpathError
          ? {
              code: error.code,
              exitCode: error.exitCode,
              message: error.message,
              hint: error.hint,
              problems: error.problems,
              context: error.context,
            }
          : {
              code: 'BUG',
              exitCode: EXIT.bug,
              message: error instanceof Error ? error.message : String(error),
            };
      const stack = verbose && error instanceof Error ? { stack: error.stack } : {};
      print({ type: 'error', ...body, ...stack });
    },
    pause: () => () => undefined,
    close() {},
  };
}
