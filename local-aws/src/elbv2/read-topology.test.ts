import { expect, test } from 'vitest';
import { readXml } from '../gateway/xml.ts';
import { dialAddress, readTargetList } from './elbv2-overlay.ts';
import { readAction } from './read-action.ts';
import { readRules } from './read-rules.ts';
import { readAttributes, readLoadBalancer, readTargetGroup, readTargetGroups } from './read-topology.ts';
import { createRefresher } from './topology-refresher.ts';

const group = 'arn:aws:elasticloadbalancing:us-east-1:1:targetgroup/a/1';

test.each([
  [
    'forward',
    `<Type>forward</Type><TargetGroupArn>${group}</TargetGroupArn>`,
    { type: 'forward', targets: [{ targetGroupArn: group, weight: 1 }] },
  ],
  [
    'weighted',
    `<Type>forward</Type><ForwardConfig><TargetGroups><member><TargetGroupArn>${group}</TargetGroupArn><Weight>3</Weight></member><member><TargetGroupArn>b</TargetGroupArn><Weight>0</Weight></member></TargetGroups></ForwardConfig>`,
    {
      type: 'forward',
      targets: [
        { targetGroupArn: group, weight: 3 },
        { targetGroupArn: 'b', weight: 0 },
      ],
    },
  ],
  [
    'redirect',
    '<Type>redirect</Type><RedirectConfig><Protocol>HTTPS</Protocol><Port>443</Port><StatusCode>HTTP_301</StatusCode></RedirectConfig>',
    {
      type: 'redirect',
      statusCode: 301,
      protocol: 'HTTPS',
      port: '443',
      host: '#{host}',
      path: '/#{path}',
      query: '#{query}',
    },
  ],
  [
    'fixed response',
    '<Type>fixed-response</Type><FixedResponseConfig><MessageBody>a&lt;b</MessageBody><StatusCode>404</StatusCode></FixedResponseConfig>',
    { type: 'fixed-response', statusCode: 404, contentType: 'text/plain', body: 'a<b' },
  ],
])('action: %s', (_name, xml, expected) => {
  expect(readAction(readXml(`<member>${xml}</member>`))).toEqual(expected);
});

test('listeners: defaults, and those that are not HTTP are left out', () => {
  const listener = (port: number, protocol: string) =>
    `<member><ListenerArn>l${port}</ListenerArn><Port>${port}</Port><Protocol>${protocol}</Protocol><DefaultActions><member><Type>authenticate-oidc</Type><Order>1</Order></member><member><Type>forward</Type><Order>2</Order><TargetGroupArn>g</TargetGroupArn></member></DefaultActions></member>`;
  const xml = `<R><DescribeListenersResult><Listeners>${listener(80, 'HTTP')}${listener(25, 'TCP')}</Listeners></DescribeListenersResult></R>`;
  const listed = { arn: 'a', name: 'n', dnsName: 'd', type: 'application' };
  expect(readLoadBalancer(listed, new Map(), xml)).toEqual({
    arn: 'a',
    name: 'n',
    idleTimeoutSeconds: 60,
    listeners: [
      {
        arn: 'l80',
        port: 80,
        protocol: 'HTTP',
        defaultAction: { type: 'forward', targets: [{ targetGroupArn: 'g', weight: 1 }] },
      },
    ],
  });
});

test('[alb.health-check-defaults] [alb.deregistration-delay-default] target groups without settings have the defaults of AWS', () => {
  const xml =
    '<R><DescribeTargetGroupsResult><TargetGroups><member><TargetGroupArn>g</TargetGroupArn><TargetGroupName>n</TargetGroupName></member></TargetGroups></DescribeTargetGroupsResult></R>';
  expect(readTargetGroups(xml)[0]?.config.healthCheck).toEqual({
    path: '/',
    intervalSeconds: 30,
    timeoutSeconds: 5,
    healthyThreshold: 5,
    unhealthyThreshold: 2,
    matcher: '200',
  });
  const [listed] = readTargetGroups(xml);
  if (listed === undefined) throw new Error('no target group');
  expect(readTargetGroup(listed, new Map()).deregistrationDelaySeconds).toBe(300);
  const slow = new Map([['slow_start.duration_seconds', '45']]);
  expect(readTargetGroup(listed, slow).slowStartSeconds).toBe(45);
});

test('rules: conditions in both forms, the default rule left out, and no rule with a condition less', () => {
  const rule = (priority: string, conditions: string) =>
    `<member><RuleArn>r${priority}</RuleArn><Priority>${priority}</Priority><Conditions>${conditions}</Conditions><Actions><member><Type>fixed-response</Type><FixedResponseConfig><StatusCode>410</StatusCode></FixedResponseConfig></member></Actions></member>`;
  const list = (...values: string[]) =>
    `<Values>${values.map((one) => `<member>${one}</member>`).join('')}</Values>`;
  const conditions = [
    `<member><Field>path-pattern</Field><PathPatternConfig>${list('/a/*', '/b')}</PathPatternConfig></member>`,
    `<member><Field>host-header</Field>${list('x.test')}</member>`,
    `<member><Field>http-header</Field><HttpHeaderConfig><HttpHeaderName>X-A</HttpHeaderName>${list('1')}</HttpHeaderConfig></member>`,
    '<member><Field>query-string</Field><QueryStringConfig><Values><member><Key>v</Key><Value>1</Value></member><member><Value>2</Value></member></Values></QueryStringConfig></member>',
    `<member><Field>source-ip</Field><SourceIpConfig>${list('10.0.0.0/8')}</SourceIpConfig></member>`,
    `<member><Field>http-request-method</Field><HttpRequestMethodConfig>${list('GET')}</HttpRequestMethodConfig></member>`,
  ];
  const odd = '<member><Field>moon-phase</Field></member>';
  const rules = `${rule('5', conditions.join(''))}${rule('6', odd)}${rule('default', '')}`;
  const xml = `<R><DescribeRulesResult><Rules>${rules}</Rules></DescribeRulesResult></R>`;
  expect(readRules(xml)).toEqual([
    {
      arn: 'r5',
      priority: 5,
      conditions: [
        { field: 'path-pattern', values: ['/a/*', '/b'] },
        { field: 'host-header', values: ['x.test'] },
        { field: 'http-header', name: 'X-A', values: ['1'] },
        {
          field: 'query-string',
          values: [
            { key: 'v', value: '1' },
            { key: undefined, value: '2' },
          ],
        },
        { field: 'source-ip', values: ['10.0.0.0/8'] },
        { field: 'http-request-method', values: ['GET'] },
      ],
      action: { type: 'fixed-response', statusCode: 410, contentType: 'text/plain', body: '' },
    },
  ]);
});

test('attributes', () => {
  const xml =
    '<R><XResult><Attributes><member><Key>k</Key><Value>v</Value></member><member><Key>e</Key><Value/></member></Attributes></XResult></R>';
  expect([...readAttributes(xml)]).toEqual([
    ['k', 'v'],
    ['e', ''],
  ]);
});

test('targets of a form, in order', () => {
  const form = new URLSearchParams(
    'Targets.member.1.Id=10.0.0.1&Targets.member.2.Id=10.0.0.2&Targets.member.2.Port=81',
  );
  expect(readTargetList(form)).toEqual([
    { id: '10.0.0.1', port: undefined, zone: undefined },
    { id: '10.0.0.2', port: 81, zone: undefined },
  ]);
});

test('dial addresses', () => {
  expect([dialAddress('10.2.101.7'), dialAddress('172.16.0.9')]).toEqual(['127.2.101.7', '127.16.0.9']);
  expect(() => dialAddress('i-123')).toThrow(expect.objectContaining({ code: 'ValidationError' }));
});

test('refreshes never overlap, and one that is asked for during another comes after it', async () => {
  const finish: (() => void)[] = [];
  let running = 0;
  let most = 0;
  const refresh = createRefresher(async () => {
    running += 1;
    most = Math.max(most, running);
    await new Promise<void>((resolve) => finish.push(resolve));
    running -= 1;
  });
  const first = refresh();
  const later = Promise.all([refresh(), refresh(), refresh()]);
  finish[0]?.();
  await first;
  await expect.poll(() => finish.length).toBe(2);
  finish[1]?.();
  await later;
  expect([finish.length, most]).toEqual([2, 1]);
});
