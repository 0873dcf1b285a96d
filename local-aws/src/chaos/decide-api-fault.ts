/** What active chaos does to one call of AWS's API: how long it waits, and which error it gets. Pure. */
import type { ApiCall } from '../gateway/api-call.ts';
import { type ApiError, expiredError, failError, throttleError } from './api-errors.ts';

/** Calls of one service, or of one of its actions. */
interface OfService {
  readonly service: string;
  readonly action: string | undefined;
}

export type ApiRule = { readonly id: string } & (
  | ({ readonly kind: 'slow'; readonly share: number; readonly delayMs: number } & OfService)
  | ({
      readonly kind: 'fail';
      readonly share: number;
      readonly status: number;
      readonly code: string | undefined;
    } & OfService)
  | ({
      readonly kind: 'throttle';
      /** Either a share of the calls, or what is beyond so many a second. */
      readonly limit: { readonly share: number } | { readonly perSecond: number };
    } & OfService)
  /** 'all': whatever key a call is signed with. */
  | { readonly kind: 'expire'; readonly accessKeyIds: 'all' | readonly string[] }
);

/** What is left of a rate limit: a token for each call that may pass at once. */
export interface TokenBucket {
  readonly tokens: number;
  readonly filledAtMs: number;
}

export interface ApiFault {
  /** Ids of the rules that the call falls under. */
  readonly matched: readonly string[];
  /** Ids of those that did something to it: slowed it down, or refused it. */
  readonly hit: readonly string[];
  readonly delayMs: number;
  readonly error: ApiError | undefined;
  /** Of the rate limits that this call was counted for. */
  readonly buckets: ReadonlyMap<string, TokenBucket>;
}

/** As AWS looks at a request: who it is, whether it is too many, then what it wants. */
const ORDER: readonly ApiRule['kind'][] = ['expire', 'throttle', 'fail'];

/**
 * @param draw the next random number, 0 to below 1, of a rule: one for each call that it covers, so that the same seed
 *   means the same calls whatever other rules there are
 * @param buckets as the call before left them; a rule without one starts full
 */
export function decideApiFault(
  rules: readonly ApiRule[],
  call: ApiCall,
  nowMs: number,
  draw: (ruleId: string) => number,
  buckets: ReadonlyMap<string, TokenBucket>,
): ApiFault {
  const matching = rules.filter((rule) => matches(rule, call));
  const changed = new Map<string, TokenBucket>();
  const struck = matching.filter((rule) => {
    if (rule.kind === 'expire') return true;
    if (rule.kind !== 'throttle') return draw(rule.id) < rule.share;
    if ('share' in rule.limit) return draw(rule.id) < rule.limit.share;
    const taken = takeToken(buckets.get(rule.id), rule.limit.perSecond, nowMs);
    changed.set(rule.id, taken.bucket);
    return !taken.passes;
  });
  const slow = struck.filter((rule) => rule.kind === 'slow');
  const refusing = ORDER.flatMap((kind) => struck.filter((rule) => rule.kind === kind))[0];
  return {
    matched: matching.map(({ id }) => id),
    hit: [...slow, ...(refusing === undefined ? [] : [refusing])].map(({ id }) => id),
    delayMs: slow.reduce((total, rule) => total + (rule.kind === 'slow' ? rule.delayMs : 0), 0),
    error: refusing === undefined ? undefined : errorOf(refusing, call),
    buckets: changed,
  };
}

function matches(rule: ApiRule, { service, action, accessKeyId }: ApiCall): boolean {
  if (rule.kind === 'expire')
    return (
      accessKeyId !== undefined && (rule.accessKeyIds === 'all' || rule.accessKeyIds.includes(accessKeyId))
    );
  return rule.service === service && (rule.action === undefined || rule.action === action);
}

function errorOf(rule: ApiRule, { service, protocol }: ApiCall): ApiError | undefined {
  switch (rule.kind) {
    case 'expire':
      return expiredError(service, protocol);
    case 'throttle':
      return throttleError(service, protocol);
    case 'fail':
      return failError(service, protocol, rule.status, rule.code);
    case 'slow':
      return undefined;
  }
}

/** A second's worth of calls may come at once, one at least. */
function takeToken(
  before: TokenBucket | undefined,
  perSecond: number,
  nowMs: number,
): { readonly passes: boolean; readonly bucket: TokenBucket } {
  const size = Math.max(1, perSecond);
  const earned = before === undefined ? size : (Math.max(0, nowMs - before.filledAtMs) / 1_000) * perSecond;
  const tokens = Math.min(size, (before?.tokens ?? 0) + earned);
  const passes = tokens >= 1;
  return { passes, bucket: { tokens: passes ? tokens - 1 : tokens, filledAtMs: nowMs } };
}
