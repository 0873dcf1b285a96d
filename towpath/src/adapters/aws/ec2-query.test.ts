import { expect, it } from 'vitest';
import { signRequest } from './ec2-query.ts';
import { readIngress } from './service-settings.ts';

const request = {
  url: new URL('https://ec2.us-east-1.amazonaws.com/'),
  body: 'Action=DescribeSecurityGroups&Version=2016-11-15&GroupId.1=sg-1',
  region: 'us-east-1',
  service: 'ec2',
  at: new Date('2015-08-30T12:36:00Z'),
};
// The example keys of AWS's documentation.
const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };

// Expected signatures: botocore's, for the same request.
it.each([
  [undefined, '8648812653bb914ef8c3574dd3301e8a635fc1360b84cb1149126aec64f3ef24'],
  ['session-token', '0d603c277a3c78663374b112272698b7a022a2c8f6052a6be4179464c1a532f9'],
])('signs as AWS expects it, session token %s', (sessionToken, signature) => {
  expect(signRequest(request, { ...keys, sessionToken }).authorization).toMatch(
    new RegExp(
      `^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/ec2/aws4_request, .*=${signature}$`,
    ),
  );
});

it('reads inbound rules only, whatever lists they hold', () => {
  const group = (id: string) => `<item><userId>1</userId><groupId>${id}</groupId></item>`;
  const xml = `<DescribeSecurityGroupsResponse><securityGroupInfo><item><groupId>sg-tasks</groupId>
    <ipPermissions>
      <item><ipProtocol>tcp</ipProtocol><fromPort>5000</fromPort><toPort>5001</toPort><groups>${group('sg-a')}${group('sg-b')}</groups><ipRanges/><prefixListIds/></item>
      <item><ipProtocol>-1</ipProtocol><groups/><ipRanges><item><cidrIp>10.0.0.0/8</cidrIp></item></ipRanges><ipv6Ranges><item><cidrIpv6>::/0</cidrIpv6></item></ipv6Ranges></item>
    </ipPermissions>
    <ipPermissionsEgress><item><ipProtocol>-1</ipProtocol><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges></item></ipPermissionsEgress>
  </item></securityGroupInfo></DescribeSecurityGroupsResponse>`;
  expect(readIngress(xml)).toEqual([
    { protocol: 'tcp', fromPort: 5000, toPort: 5001, groups: ['sg-a', 'sg-b'], ranges: [] },
    { protocol: '-1', fromPort: undefined, toPort: undefined, groups: [], ranges: ['10.0.0.0/8', '::/0'] },
  ]);
  expect(readIngress('<r><securityGroupInfo><item><ipPermissions/></item></securityGroupInfo></r>')).toEqual(
    [],
  );
});
