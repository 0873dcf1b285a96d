/** `promote`, `approve`, `reject`, `rollback`, `apply`. A promotion that waits exits 3 and names the next command. */

import {
  applyConfiguration,
  approve,
  type PromotionResult,
  promote,
  reject,
  rollback,
} from '../../actions/index.ts';
import { EXIT, type ExitCode } from '../../domain/errors.ts';
import { shortIdentity } from '../../domain/person.ts';
import type { CommandBody, CommandSession } from '../session.ts';
import { renderDeployed } from './deploy-commands.ts';

type Flags = Readonly<Record<string, unknown>>;

function runOptions(flags: Flags, { context }: CommandSession) {
  return {
    generateSecrets: flags.generateSecrets === true,
    allowDestroy: flags.allowDestroy === true,
    signal: context.signal,
  };
}

export function promoteCommand(environment: string, flags: Flags): CommandBody {
  return async (session) => {
    const ports = await session.open();
    return render(await promote(ports, environment, runOptions(flags, session)), session);
  };
}

export function approveCommand(environment: string, flags: Flags): CommandBody {
  return async (session) => {
    const ports = await session.open();
    return render(await approve(ports, environment, runOptions(flags, session)), session);
  };
}

export function applyCommand(environment: string, flags: Flags): CommandBody {
  return async (session) => {
    const ports = await session.open();
    return render(await applyConfiguration(ports, environment, runOptions(flags, session)), session);
  };
}

export function rejectCommand(environment: string, flags: Flags): CommandBody {
  return async (session) => {
    const result = await reject(await session.open(), environment, String(flags.reason));
    return {
      json: { ...result },
      text: `${environment}: ${result.promotion} of ${result.release} is rejected`,
    };
  };
}

export function rollbackCommand(environment: string, flags: Flags): CommandBody {
  return async (session) => {
    const to = typeof flags.to === 'string' ? flags.to : undefined;
    const result = await rollback(await session.open(), environment, to, runOptions(flags, session));
    return { json: { ...result }, text: renderDeployed(result, session) };
  };
}

function render(
  result: PromotionResult,
  session: CommandSession,
): { json: Record<string, unknown>; text: string; exitCode: ExitCode } {
  if (result.deployed) {
    return { json: { ...result }, text: renderDeployed(result.deployed, session), exitCode: EXIT.done };
  }
  const { paint } = session;
  const blocking = result.gates.filter(({ state }) => state === result.state);
  const reasons = blocking.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
  const text = `${paint('yellow', '…')} ${result.environment}: ${result.promotion} of ${result.release} ${result.state === 'closed' ? 'is stopped by a closed gate' : 'waits'}: ${reasons}\n  ${paint('cyan', 'next:')} ${nextCommand(result)}`;
  return { json: { ...result }, text, exitCode: result.state === 'closed' ? EXIT.failed : EXIT.waiting };
}

function nextCommand({ environment, kind, gates, requestedBy }: PromotionResult): string {
  const again = `towpath ${kind} ${environment}`;
  const closed = gates.find(({ state }) => state === 'closed');
  if (closed?.name === 'tree') return `check out the commit of the release, then ${again}`;
  if (closed?.name === 'verified') return `${again} asks for what is verified there now`;
  if (closed?.name === 'restorable')
    return `mend that, then ${again}; or leave the ladder: towpath deploy ${environment} --break-glass "why"`;
  if (closed) return `mend that, then ${again}`;
  // People can say yes while a soak goes on: what somebody can do now is named before what only time does.
  if (gates.some(({ name, state }) => name === 'approvals' && state === 'waiting')) {
    return `somebody other than ${shortIdentity(requestedBy)} runs: towpath approve ${environment}`;
  }
  return `${again} once the environment before has been healthy for long enough`;
}
