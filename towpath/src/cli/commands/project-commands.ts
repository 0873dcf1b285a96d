/** `sync`, `bootstrap`, `build`, `unlock`. */

import { bootstrap, build, describeHolder, selectEnvironment, sync, unlock } from '../../actions/index.ts';
import { EXIT } from '../../domain/errors.ts';
import { commandToFill } from '../../domain/next-command.ts';
import type { CommandBody } from '../session.ts';

export function syncCommand(options: { readonly check: boolean }): CommandBody {
  return async ({ open }) => {
    const ports = await open();
    const result = await sync(ports, options);
    const stale = result.stale.length > 0;
    const lines = options.check
      ? result.stale.map((file) => `stale: ${file}`)
      : result.written.map((file) => `wrote ${file}`);
    for (const folder of result.stray)
      lines.push(`no environment of the configuration owns ${folder}; remove it if it is not needed`);
    if (lines.length === 0) lines.push('infra/envs is in step with towpath.config.ts');
    if (options.check && stale) lines.push('next: towpath sync');
    return {
      json: { ...result },
      text: lines.join('\n'),
      exitCode: options.check && stale ? EXIT.failed : EXIT.done,
    };
  };
}

export function bootstrapCommand(environment: string): CommandBody {
  return async ({ open }) => {
    const ports = await open();
    const result = await bootstrap(ports, environment);
    const next = commandToFill(selectEnvironment(ports.project, environment));
    return { json: { environment, ...result }, text: `next: ${next}` };
  };
}

export function buildCommand(): CommandBody {
  return async ({ open }) => {
    const built = await build(await open());
    return { json: { ...built }, text: `release ${built.release.id}\nimage   ${built.image}` };
  };
}

export function unlockCommand(environment: string, options: { readonly force: boolean }): CommandBody {
  return async ({ open }) => {
    const result = await unlock(await open(), environment, options);
    const lines: string[] = [];
    if (result.holder)
      lines.push(
        `${describeHolder(result.holder)}: ${result.holder.liveness === 'dead' ? 'is not running any more' : `is ${result.holder.liveness}`}`,
      );
    if (result.progress !== undefined) lines.push(`  what it had done: ${result.progress}`);
    if (result.stateLock)
      lines.push(
        `Terraform's state lock: ${result.stateLock.operation} by ${result.stateLock.who} since ${result.stateLock.created}`,
      );
    lines.push(
      result.freed.length === 0 ? `nobody holds ${environment}` : `freed: ${result.freed.join(', ')}`,
    );
    if (result.next !== undefined) lines.push(`next: ${result.next}`);
    return { json: { environment, ...result }, text: lines.join('\n') };
  };
}
