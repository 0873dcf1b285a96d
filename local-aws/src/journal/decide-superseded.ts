/**
 * Which journaled calls can go without changing what a replay leads to: pure, from the effects in their order.
 * Log calls have a rule of their own, in `compact-logs.ts`.
 */
import type { Effect } from './describe-effect.ts';

/** The calls for one key that the present state depends on, oldest first. */
type Chain = number[];

/**
 * Versions of an object in a versioned bucket that a replay brings back. Terraform writes its state a dozen times in one
 * apply; the bucket that Towpath makes keeps so many old ones on AWS, too.
 */
export const keptVersions = 20;

interface Scope {
  /** By key; calls before the last barrier are in none. */
  readonly chains: Map<string, Chain>;
  /** Whether chains hold every call since the scope began empty: only then does a removal need no trace. */
  complete: boolean;
}

/** @returns positions of the calls to drop */
export function decideSuperseded(effects: readonly Effect[]): ReadonlySet<number> {
  const dropped = new Set<number>();
  const scopes = new Map<string, Scope>();
  const scopeOf = (name: string): Scope => {
    const scope = scopes.get(name) ?? { chains: new Map(), complete: false };
    scopes.set(name, scope);
    return scope;
  };
  effects.forEach((effect, index) => {
    switch (effect.kind) {
      case 'begin':
        scopes.set(effect.scope, { chains: new Map(), complete: true });
        return;
      case 'end':
        for (const chain of scopeOf(effect.scope).chains.values()) dropAll(dropped, chain);
        scopes.delete(effect.scope);
        return;
      case 'barrier':
        for (const [name, scope] of scopes) if (isAmong(effect.scopes, name)) closeChains(scope);
        return;
      case 'version':
        extendVersions(dropped, scopeOf(effect.scope), effect.key, index, effects);
        return;
      case 'set':
      case 'modify':
      case 'unset':
        extendChain(dropped, scopeOf(effect.scope), effect.kind, effect.key, index);
    }
  });
  return dropped;
}

function extendChain(
  dropped: Set<number>,
  scope: Scope,
  kind: 'set' | 'modify' | 'unset',
  key: string,
  index: number,
): void {
  const chain = scope.chains.get(key) ?? [];
  if (kind === 'modify') {
    chain.push(index);
    scope.chains.set(key, chain);
    return;
  }
  dropAll(dropped, chain);
  if (kind === 'unset' && scope.complete) {
    dropped.add(index);
    scope.chains.delete(key);
  } else scope.chains.set(key, [index]);
}

function extendVersions(
  dropped: Set<number>,
  scope: Scope,
  key: string,
  index: number,
  effects: readonly Effect[],
): void {
  const chain = [...(scope.chains.get(key) ?? []), index];
  const standsAlone = (at: number) => {
    const effect = effects[chain[at] ?? -1];
    return effect?.kind === 'version' && effect.alone;
  };
  // The oldest that is kept must not need the one before it.
  let first = Math.max(0, chain.length - keptVersions);
  while (first > 0 && !standsAlone(first)) first -= 1;
  dropAll(dropped, chain.slice(0, first));
  scope.chains.set(key, chain.slice(first));
}

function closeChains(scope: Scope): void {
  scope.chains.clear();
  scope.complete = false;
}

function dropAll(dropped: Set<number>, chain: Chain): void {
  for (const index of chain) dropped.add(index);
}

function isAmong(patterns: readonly string[], name: string): boolean {
  return patterns.some((pattern) =>
    pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
  );
}
