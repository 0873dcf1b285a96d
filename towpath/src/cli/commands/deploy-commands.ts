/** `plan`, `deploy`, `destroy`: for one environment or several side by side. */
import {
  type DeployResult,
  type DestroyResult,
  deploy,
  deploySeveral,
  destroy,
  type Outcome,
  type PlanResult,
  plan,
  selectSeveral,
  sideBySide,
} from '../../actions/index.ts';
import { countChanges } from '../../domain/plan.ts';
import type { CommandBody, CommandSession } from '../session.ts';
import { summarise } from '../several.ts';
import type { CommandResult } from '../views/view.ts';

type Flags = Readonly<Record<string, unknown>>;

export function planCommand(names: readonly string[], flags: Flags): CommandBody {
  return async (session) => {
    const ports = await session.open();
    const options = { fromSource: flags.fromSource === true, signal: session.context.signal };
    const [first, ...others] = selectSeveral(ports.project, names, flags.all === true);
    if (first !== undefined && others.length === 0) return renderPlan(await plan(ports, first, options));
    const outcomes = await sideBySide(ports, [first ?? '', ...others], (scoped, name) =>
      plan(scoped, name, options),
    );
    // Terraform's rendering does not say which environment it is about.
    return summarise(outcomes, session, (result) => {
      const { json, text } = renderPlan(result);
      return { json, text: text === '' ? '' : `${session.paint('bold', result.environment)}\n${text}` };
    });
  };
}

function renderPlan(result: PlanResult): CommandResult {
  return { json: { ...result, counts: countChanges(result.summary) }, text: result.text };
}

export function deployCommand(names: readonly string[], flags: Flags): CommandBody {
  return async (session) => {
    const ports = await session.open();
    const options = {
      generateSecrets: flags.generateSecrets === true,
      allowDestroy: flags.allowDestroy === true,
      breakGlass: typeof flags.breakGlass === 'string' ? flags.breakGlass : undefined,
      signal: session.context.signal,
    };
    const render = (result: DeployResult) => ({ json: { ...result }, text: renderDeployed(result, session) });
    const [first, ...others] = selectSeveral(ports.project, names, flags.all === true);
    if (first !== undefined && others.length === 0) return render(await deploy(ports, first, options));
    return summarise(await deploySeveral(ports, [first ?? '', ...others], options), session, render);
  };
}

export function renderDeployed(result: DeployResult, { paint }: Pick<CommandSession, 'paint'>): string {
  const what = result.changed ? 'now runs' : 'already ran';
  const where = result.url === undefined ? '' : `\n  ${paint('cyan', `${result.url}/`)}`;
  return `${paint('green', '✓')} ${paint('bold', result.environment)} ${what} ${paint('bold', result.release.id)}${where}`;
}

export function destroyCommand(names: readonly string[], flags: Flags): CommandBody {
  return async (session) => {
    const ports = await session.open();
    const options = {
      confirmed: flags.yes === true,
      allowDestroy: flags.allowDestroy === true,
      signal: session.context.signal,
    };
    const render = (result: DestroyResult) => renderDestroyed(result, session);
    const [first, ...others] = selectSeveral(ports.project, names, flags.all === true);
    if (first !== undefined && others.length === 0) return render(await destroy(ports, first, options));
    // One question for each environment, one after the other: nobody can answer several at once.
    const outcomes = options.confirmed
      ? await sideBySide(ports, [first ?? '', ...others], (scoped, name) => destroy(scoped, name, options))
      : await destroyInTurn([first ?? '', ...others], options.signal, (name) =>
          destroy(ports, name, options),
        );
    return summarise(outcomes, session, render);
  };
}

/** A no, or a failure, is about one environment: the others are asked about all the same. */
async function destroyInTurn(
  names: readonly string[],
  signal: AbortSignal,
  work: (name: string) => Promise<DestroyResult>,
): Promise<readonly Outcome<DestroyResult>[]> {
  const outcomes: Outcome<DestroyResult>[] = [];
  for (const environment of names) {
    try {
      outcomes.push({ environment, value: await work(environment) });
    } catch (error) {
      if (signal.aborted) throw error;
      outcomes.push({ environment, error });
    }
  }
  return outcomes;
}

function renderDestroyed(result: DestroyResult, { paint }: CommandSession): CommandResult {
  const text =
    result.destroyed === 0
      ? `${result.environment} has nothing to destroy`
      : `${paint('green', '✓')} ${result.environment}: ${result.destroyed} resources destroyed; state bucket, lock table, ledger and images stay`;
  return { json: { ...result }, text };
}
