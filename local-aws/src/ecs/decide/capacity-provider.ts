/**
 * Which capacity provider a new task goes to. Pure.
 */

export interface StrategyItem {
  readonly capacityProvider: string;
  readonly weight: number;
  readonly base: number;
}

/**
 * First the base of each item, then by weight: the item that is furthest behind its share.
 * @param current capacity providers of the tasks that live now
 */
export function chooseCapacityProvider(
  strategy: readonly StrategyItem[],
  current: readonly (string | undefined)[],
): string | undefined {
  const countOf = (name: string): number => current.filter((provider) => provider === name).length;
  const short = strategy.find((item) => countOf(item.capacityProvider) < item.base);
  if (short) return short.capacityProvider;
  let best: { readonly name: string; readonly filled: number } | undefined;
  for (const item of strategy) {
    if (item.weight <= 0) continue;
    const filled = (countOf(item.capacityProvider) - item.base) / item.weight;
    if (!best || filled < best.filled) best = { name: item.capacityProvider, filled };
  }
  return best?.name ?? strategy[0]?.capacityProvider;
}
