/** `stack up`, `stack down`, `stack status`: Prometheus, Grafana, Redis and the app from its source, on this computer. */
import type { StackPort, StackRunner, StackStatus } from '../../actions/index.ts';
import { stage } from '../../actions/index.ts';
import { TowpathError } from '../../domain/errors.ts';
import type { CommandBody, CommandSession } from '../session.ts';
import { renderStack, renderStackEvent } from '../views/render-stack.ts';
import { type EndedFrom, renderEnd, stayUntilEnded } from './stay-until-ended.ts';

type Flags = Readonly<Record<string, unknown>>;

export function stackUpCommand(flags: Flags): CommandBody {
  return async (session) => {
    const runner = parseRunner(flags);
    const stack = await session.context.openStack(session.globals);
    const attached = flags.foreground === true;
    const started = await startStack(session, stack, runner, attached);
    const text = renderStack(started, session.paint);
    if (!attached || !started.started) {
      const next = started.started
        ? 'towpath stack status shows it, towpath stack down stops it; the log of the app: .towpath/stack/app.log'
        : 'it was running before and runs on; towpath stack down stops it';
      return { json: { ...started }, text: `${text}\n\n${next}` };
    }
    session.view.result({
      json: { ready: true, ...started },
      text: `${text}\n\nChange the source and it runs again. Ctrl-C stops everything.`,
    });
    const from = await stay(session, stack);
    return { json: { stopped: true, from }, text: renderEnd('the stack', 'towpath stack down', from) };
  };
}

async function startStack(
  session: CommandSession,
  stack: StackPort,
  runner: StackRunner | undefined,
  attached: boolean,
) {
  const { view, context, globals, paint } = session;
  const clock = { now: () => new Date(context.now()), sleep: async () => undefined };
  let ready = false;
  const start = async () => {
    const started = await stack.start({
      runner,
      attached,
      signal: context.signal,
      onEvent(event) {
        if (globals.json) {
          // What the app writes has a log; a machine asked for what happens.
          if (event.type !== 'log') context.write('out', `${JSON.stringify(event)}\n`);
        } else if (event.type === 'note') view.notify({ type: 'note', text: event.text });
        // The first start is told with everything else.
        else if (ready) context.write('out', `${renderStackEvent(event, paint, context.now())}\n`);
      },
    });
    ready = true;
    return started;
  };
  return stage({ notifier: view, clock }, 'local development stack', start, ({ started }) =>
    started ? '' : 'was running',
  );
}

async function stay({ context }: CommandSession, stack: StackPort): Promise<EndedFrom> {
  const died = (reason: string) =>
    new TowpathError('STACK_START_FAILED', `The local development stack has ended by itself: ${reason}`, {
      hint: 'npm run dev starts it again',
    });
  let from: EndedFrom | undefined;
  try {
    from = await stayUntilEnded(context.signal, stack.ended(), died);
    return from;
  } finally {
    // Whoever ended it elsewhere may have started another one already.
    if (from !== 'elsewhere') await stack.stop();
  }
}

export function stackDownCommand(): CommandBody {
  return async ({ context, globals }) => {
    const outcome = await (await context.openStack(globals)).stop();
    const text = {
      stopped: 'the local development stack has stopped',
      'leftovers ended': 'the local development stack had been killed; what it left has been ended',
      'not running': 'the local development stack was not running',
    }[outcome];
    return { json: { outcome }, text };
  };
}

export function stackStatusCommand(): CommandBody {
  return async ({ context, globals, paint }) => {
    const status = await (await context.openStack(globals)).status();
    if (status === undefined)
      throw new TowpathError('STACK_NOT_RUNNING', 'The local development stack is not running.', {
        hint: 'towpath stack up',
      });
    return { json: { ...status }, text: renderSince(status, renderStack(status, paint)) };
  };
}

function renderSince({ pid, startedAt }: StackStatus, components: string): string {
  return `local development stack, pid ${pid}, since ${startedAt}\n${components}`;
}

function parseRunner({ runner }: Flags): StackRunner | undefined {
  if (runner === undefined || runner === 'compose' || runner === 'native') return runner;
  throw new TowpathError('USAGE', `--runner must be compose or native, got "${String(runner)}".`, {
    hint: 'towpath stack up --help',
  });
}
