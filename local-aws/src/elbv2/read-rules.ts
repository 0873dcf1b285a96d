/** Reads moto's answer to DescribeRules into rules that the load balancer obeys. Pure. */
import type { ListenerRule, RuleCondition } from '../contract.ts';
import { listAt, readXml, textAt, type XmlElement } from '../gateway/xml.ts';
import { readRoutingAction, required } from './read-action.ts';

/** The default rule is left out: it is the listener's default action. */
export function readRules(xml: string): ListenerRule[] {
  return listAt(readXml(xml), 'DescribeRulesResult', 'Rules').flatMap((member) => {
    const priority = Number(textAt(member, 'Priority'));
    if (!Number.isInteger(priority)) return [];
    const listed = listAt(member, 'Conditions');
    const conditions = listed.flatMap((condition) => readCondition(condition) ?? []);
    // With one condition less the rule would take requests that are not its own.
    if (conditions.length < listed.length) return [];
    return {
      arn: required(member, 'RuleArn'),
      priority,
      conditions,
      action: readRoutingAction(listAt(member, 'Actions')),
    };
  });
}

/** Values stand in a list of their own, or, as they did at first, directly in the condition. */
function readCondition(condition: XmlElement): RuleCondition | undefined {
  const values = (config: string) => {
    const own = textsAt(condition, config, 'Values');
    return own.length > 0 ? own : textsAt(condition, 'Values');
  };
  const field = textAt(condition, 'Field');
  switch (field) {
    case 'path-pattern':
      return { field, values: values('PathPatternConfig') };
    case 'host-header':
      return { field, values: values('HostHeaderConfig') };
    case 'http-request-method':
      return { field, values: values('HttpRequestMethodConfig') };
    case 'source-ip':
      return { field, values: values('SourceIpConfig') };
    case 'http-header': {
      const name = textAt(condition, 'HttpHeaderConfig', 'HttpHeaderName') ?? '';
      return { field, name, values: values('HttpHeaderConfig') };
    }
    case 'query-string':
      return {
        field,
        values: listAt(condition, 'QueryStringConfig', 'Values').map((pair) => ({
          key: textAt(pair, 'Key') || undefined,
          value: textAt(pair, 'Value') ?? '',
        })),
      };
    default:
      return undefined;
  }
}

function textsAt(condition: XmlElement, ...path: readonly string[]): string[] {
  return listAt(condition, ...path).map(({ text }) => text);
}
