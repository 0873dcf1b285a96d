/**
 * Keeps the descriptions of security-group rules that refer to another group. moto drops them,
 * and Terraform would see a difference on every plan.
 */
import type { AwsResponse, Overlay } from '../contract.ts';
import { escapeXml, listAt, readXml, textAt } from '../gateway/xml.ts';

/** AWS allows 1000 rules for each network interface; this is for all groups together. */
const maxRememberedRules = 10_000;

export interface RuleDescriptionsOverlay extends Overlay {
  /** Descriptions by rule id. */
  snapshot(): Readonly<Record<string, string>>;
  restore(saved: object): void;
}

export function createRuleDescriptionsOverlay(): RuleDescriptionsOverlay {
  const descriptions = new Map<string, string>();
  return {
    snapshot: () => Object.fromEntries(descriptions),
    restore(saved) {
      for (const [ruleId, text] of Object.entries(saved)) descriptions.set(ruleId, String(text));
    },
    service: 'ec2',
    handle: async (request, forward) => {
      switch (request.action) {
        case 'AuthorizeSecurityGroupIngress':
        case 'AuthorizeSecurityGroupEgress': {
          const answer = await forward();
          if (answer.status < 300) rememberAuthorized(descriptions, request.form(), answer.body.toString());
          return withDescriptions(descriptions, answer);
        }
        case 'ModifySecurityGroupRules': {
          const answer = await forward();
          if (answer.status < 300) rememberModified(descriptions, request.form());
          return answer;
        }
        case 'RevokeSecurityGroupIngress':
        case 'RevokeSecurityGroupEgress': {
          const answer = await forward();
          for (const ruleId of numbered(request.form(), 'SecurityGroupRuleId')) descriptions.delete(ruleId);
          return answer;
        }
        case 'DescribeSecurityGroupRules':
          return descriptions.size === 0 ? undefined : withDescriptions(descriptions, await forward());
        default:
          return undefined;
      }
    },
  };
}

/** `IpPermissions.1.Groups.1.GroupId` with `...Description` in the request, rule ids in the answer. */
function rememberAuthorized(descriptions: Map<string, string>, form: URLSearchParams, xml: string): void {
  const byGroup = new Map<string, string>();
  for (const [name, groupId] of form) {
    const prefix = /^(IpPermissions\.\d+\.(?:Groups|UserIdGroupPairs)\.\d+)\.GroupId$/.exec(name)?.[1];
    const description = prefix === undefined ? null : form.get(`${prefix}.Description`);
    if (description) byGroup.set(groupId, description);
  }
  if (byGroup.size === 0 || descriptions.size >= maxRememberedRules) return;
  for (const rule of listAt(readXml(xml), 'securityGroupRuleSet')) {
    const ruleId = textAt(rule, 'securityGroupRuleId');
    const description = byGroup.get(textAt(rule, 'referencedGroupInfo', 'groupId') ?? '');
    if (ruleId !== undefined && description !== undefined) descriptions.set(ruleId, description);
  }
}

/** `SecurityGroupRule.1.SecurityGroupRuleId` with `SecurityGroupRule.1.SecurityGroupRule.Description`. */
function rememberModified(descriptions: Map<string, string>, form: URLSearchParams): void {
  for (const [name, ruleId] of form) {
    const prefix = /^(SecurityGroupRule\.\d+)\.SecurityGroupRuleId$/.exec(name)?.[1];
    if (prefix === undefined || !form.has(`${prefix}.SecurityGroupRule.ReferencedGroupId`)) continue;
    const description = form.get(`${prefix}.SecurityGroupRule.Description`);
    if (description) descriptions.set(ruleId, description);
    else descriptions.delete(ruleId);
  }
}

function withDescriptions(descriptions: ReadonlyMap<string, string>, answer: AwsResponse): AwsResponse {
  if (answer.status >= 300 || descriptions.size === 0) return answer;
  const body = answer.body
    .toString()
    .replace(
      /<securityGroupRuleId>([^<]+)<\/securityGroupRuleId>(?!<description>)/g,
      (element, ruleId: string) => {
        const description = descriptions.get(ruleId);
        return description === undefined
          ? element
          : `${element}<description>${escapeXml(description)}</description>`;
      },
    );
  return { ...answer, body };
}

function numbered(form: URLSearchParams, name: string): string[] {
  return [...form].filter(([key]) => key.startsWith(`${name}.`)).map(([, value]) => value);
}
