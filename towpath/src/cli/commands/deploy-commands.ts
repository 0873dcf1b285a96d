/** `plan`, `deploy`, `destroy`. */
import { type DeployResult, deploy, destroy, plan } from '../../actions/index.ts';
import { countChanges } from '../../domain/plan.ts';
import type { CommandBody, CommandSession } from '../session.ts';

type Flags = Readonly<Record<string, unknown>>;

export function planCommand(environment: string, options: { readonly fromSource: boolean }): CommandBody {
  return async ({ open, context }) => {
    const result = await plan(await open(), environment, { ...options, signal: context.signal });
    return { json: { ...result, counts: countChanges(result.summary) }, text: result.text };
  };
}

export function deployCommand(environment: string, flags: Flags): CommandBody {
  return async (session) => {
    const ports = await session.open();
    const result = await deploy(ports, environment, {
      generateSecrets: flags.generateSecrets === true,
      allowDestroy: flags.allowDestroy === true,
      breakGlass: typeof flags.breakGlass === 'string' ? flags.breakGlass : undefined,
      signal: session.context.signal,
    });
    return { json: { ...result }, text: renderDeployed(result, session) };
  };
}

export function renderDeployed(result: DeployResult, { paint }: Pick<CommandSession, 'paint'>): string {
  const what = result.changed ? 'now runs' : 'already ran';
  const where = result.url === undefined ? '' : `\n  ${paint('cyan', `${result.url}/`)}`;
  return `${paint('green', '✓')} ${paint('bold', result.environment)} ${what} ${paint('bold', result.release.id)}${where}`;
}

export function destroyCommand(environment: string, flags: Flags): CommandBody {
  return async ({ open, context, paint }) => {
    const result = await destroy(await open(), environment, {
      confirmed: flags.yes === true,
      allowDestroy: flags.allowDestroy === true,
      signal: context.signal,
    });
    const text =
      result.destroyed === 0
        ? `${environment} has nothing to destroy`
        : `${paint('green', '✓')} ${environment}: ${result.destroyed} resources destroyed; state bucket, lock table, ledger and images stay`;
    return { json: { ...result }, text };
  };
}
