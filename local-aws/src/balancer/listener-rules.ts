/** Which rule of a listener takes a request: priorities, conditions, wildcards, as an Application Load Balancer. Pure. */
import { BlockList, isIPv6 } from 'node:net';
import type { ListenerRule, RuleCondition } from '../contract.ts';
import { hostWithoutPort } from './balancer-answer.ts';
import type { RequestHead } from './message-head.ts';

/** The facts of a request that conditions look at. */
export interface RuleSubject {
  readonly head: Pick<RequestHead, 'method' | 'url' | 'host' | 'headers'>;
  readonly clientAddress: string;
}

type Condition = (subject: RuleSubject) => boolean;

/** All values of a condition are alternatives; all conditions of a rule must hold. */
export function compileRules(
  rules: readonly ListenerRule[],
): (subject: RuleSubject) => ListenerRule | undefined {
  const compiled = [...rules]
    .sort((a, b) => a.priority - b.priority)
    .map((rule) => ({ rule, conditions: rule.conditions.map(compileCondition) }));
  return (subject) =>
    compiled.find(({ conditions }) => conditions.every((condition) => condition(subject)))?.rule;
}

function compileCondition(condition: RuleCondition): Condition {
  switch (condition.field) {
    case 'path-pattern':
      return ({ head }) => {
        const path = splitUrl(head.url).path;
        return condition.values.some((pattern) => matchesWildcard(pattern, path));
      };
    case 'host-header': {
      const patterns = lowerCase(condition.values);
      return ({ head }) => {
        const host = hostWithoutPort(head.host ?? '').toLowerCase();
        return patterns.some((pattern) => matchesWildcard(pattern, host));
      };
    }
    case 'http-header':
      return compileHeader(condition.name.toLowerCase(), lowerCase(condition.values));
    case 'query-string':
      return compileQuery(condition.values);
    case 'source-ip':
      return compileSource(condition.values);
    case 'http-request-method':
      return ({ head }) => condition.values.includes(head.method);
  }
}

function compileHeader(name: string, patterns: readonly string[]): Condition {
  return ({ head: { headers } }) => {
    for (let i = 0; i + 1 < headers.length; i += 2) {
      if (headers[i]?.toLowerCase() !== name) continue;
      const value = (headers[i + 1] ?? '').toLowerCase();
      if (patterns.some((pattern) => matchesWildcard(pattern, value))) return true;
    }
    return false;
  };
}

function compileQuery(wanted: Extract<RuleCondition, { field: 'query-string' }>['values']): Condition {
  const patterns = wanted.map(({ key, value }) => ({ key: key?.toLowerCase(), value: value.toLowerCase() }));
  return ({ head }) =>
    splitUrl(head.url)
      .query.toLowerCase()
      .split('&')
      .some((pair) => {
        const at = pair.indexOf('=');
        const key = at < 0 ? pair : pair.slice(0, at);
        const value = at < 0 ? '' : pair.slice(at + 1);
        return patterns.some(
          (pattern) =>
            (pattern.key === undefined || matchesWildcard(pattern.key, key)) &&
            matchesWildcard(pattern.value, value),
        );
      });
}

function compileSource(ranges: readonly string[]): Condition {
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', bits] = range.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    list.addSubnet(address, Number(bits ?? (family === 'ipv6' ? 128 : 32)), family);
  }
  return ({ clientAddress }) => list.check(clientAddress, isIPv6(clientAddress) ? 'ipv6' : 'ipv4');
}

function splitUrl(url: string): { readonly path: string; readonly query: string } {
  const at = url.indexOf('?');
  return at < 0 ? { path: url, query: '' } : { path: url.slice(0, at), query: url.slice(at + 1) };
}

function lowerCase(texts: readonly string[]): string[] {
  return texts.map((text) => text.toLowerCase());
}

/**
 * `*` is any run of characters, `?` any one, a backslash makes the next one ordinary. Goes back to the last `*` only,
 * so that no pattern takes more than pattern times text steps.
 */
export function matchesWildcard(pattern: string, text: string): boolean {
  let at = 0;
  let p = 0;
  let starAt = -1;
  let resumeAt = 0;
  while (at < text.length) {
    const escaped = pattern[p] === '\\' && p + 1 < pattern.length;
    const wanted = escaped ? pattern[p + 1] : pattern[p];
    if (!escaped && wanted === '*') {
      starAt = p;
      resumeAt = at;
      p += 1;
    } else if (wanted !== undefined && (wanted === text[at] || (!escaped && wanted === '?'))) {
      p += escaped ? 2 : 1;
      at += 1;
    } else if (starAt >= 0) {
      p = starAt + 1;
      resumeAt += 1;
      at = resumeAt;
    } else return false;
  }
  while (pattern[p] === '*') p += 1;
  return p === pattern.length;
}
