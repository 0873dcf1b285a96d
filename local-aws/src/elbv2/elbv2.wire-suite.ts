/** Load balancers through the SDK: moto keeps them, the plane is told of every change. */
import { DescribeSubnetsCommand, EC2Client } from '@aws-sdk/client-ec2';
import {
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  CreateRuleCommand,
  CreateTargetGroupCommand,
  DeleteLoadBalancerCommand,
  DeregisterTargetsCommand,
  DescribeLoadBalancersCommand,
  DescribeTargetHealthCommand,
  ElasticLoadBalancingV2Client,
  ModifyLoadBalancerAttributesCommand,
  ModifyTargetGroupAttributesCommand,
  ModifyTargetGroupCommand,
  RegisterTargetsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2';
import { CreateBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';
import { createLogObjectWriter } from '../balancer/put-log-object.ts';
import { createMotoClient } from '../gateway/moto-client.ts';
import type { Wire } from '../wire-fixture.ts';

export function elbv2WireSuite(wire: () => Wire): void {
  const elb = () => new ElasticLoadBalancingV2Client(wire().clientOptions);

  async function create(
    name: string,
  ): Promise<{ balancer: string; group: string; dnsName: string | undefined }> {
    const ec2 = new EC2Client(wire().clientOptions);
    const { Subnets = [] } = await ec2.send(new DescribeSubnetsCommand({}));
    const created = await elb().send(
      new CreateLoadBalancerCommand({
        Name: name,
        Subnets: Subnets.slice(0, 2).map(({ SubnetId = '' }) => SubnetId),
      }),
    );
    const target = {
      Name: name,
      Protocol: 'HTTP',
      Port: 5000,
      TargetType: 'ip',
      VpcId: Subnets[0]?.VpcId,
      HealthCheckPath: '/readyz',
    } as const;
    const group = await elb().send(new CreateTargetGroupCommand(target));
    return {
      balancer: created.LoadBalancers?.[0]?.LoadBalancerArn ?? '',
      dnsName: created.LoadBalancers?.[0]?.DNSName,
      group: group.TargetGroups?.[0]?.TargetGroupArn ?? '',
    };
  }

  test('the address is a stable local port, and changes reach the plane', async () => {
    const { balancer, group, dnsName } = await create('web');
    expect(dnsName).toMatch(/^127\.0\.0\.1:\d+$/);
    const described = await elb().send(new DescribeLoadBalancersCommand({ Names: ['web'] }));
    expect(described.LoadBalancers?.map(({ DNSName }) => DNSName)).toEqual([dnsName]);
    const forward = { Type: 'forward', TargetGroupArn: group } as const;
    await elb().send(
      new CreateListenerCommand({
        LoadBalancerArn: balancer,
        Port: 80,
        Protocol: 'HTTP',
        DefaultActions: [forward],
      }),
    );
    await elb().send(
      new ModifyTargetGroupCommand({
        TargetGroupArn: group,
        HealthCheckIntervalSeconds: 7,
        Matcher: { HttpCode: '200-204' },
      }),
    );
    const delay = { Key: 'deregistration_delay.timeout_seconds', Value: '9' };
    await elb().send(new ModifyTargetGroupAttributesCommand({ TargetGroupArn: group, Attributes: [delay] }));
    const idle = { Key: 'idle_timeout.timeout_seconds', Value: '33' };
    await elb().send(
      new ModifyLoadBalancerAttributesCommand({ LoadBalancerArn: balancer, Attributes: [idle] }),
    );
    const { topology } = wire().plane;
    expect(topology.loadBalancers.find(({ name }) => name === 'web')).toMatchObject({
      arn: balancer,
      idleTimeoutSeconds: 33,
      listeners: [
        {
          port: 80,
          protocol: 'HTTP',
          defaultAction: { type: 'forward', targets: [{ targetGroupArn: group, weight: 1 }] },
        },
      ],
    });
    expect(topology.targetGroups.find(({ name }) => name === 'web')).toMatchObject({
      port: 5000,
      deregistrationDelaySeconds: 9,
      healthCheck: { path: '/readyz', intervalSeconds: 7, matcher: '200-204' },
    });
    const listener = topology.loadBalancers.find(({ name }) => name === 'web')?.listeners[0]?.arn ?? '';
    await elb().send(
      new CreateRuleCommand({
        ListenerArn: listener,
        Priority: 7,
        Conditions: [
          { Field: 'path-pattern', PathPatternConfig: { Values: ['/old/*'] } },
          { Field: 'query-string', QueryStringConfig: { Values: [{ Key: 'v', Value: '1' }] } },
        ],
        Actions: [
          { Type: 'fixed-response', FixedResponseConfig: { StatusCode: '410', MessageBody: 'gone' } },
        ],
      }),
    );
    const further = [
      { Key: 'access_logs.s3.enabled', Value: 'true' },
      { Key: 'access_logs.s3.bucket', Value: 'logs' },
      { Key: 'access_logs.s3.prefix', Value: 'web' },
    ];
    const bucket = new S3Client({ ...wire().clientOptions, forcePathStyle: true });
    await bucket.send(new CreateBucketCommand({ Bucket: 'logs' }));
    await elb().send(
      new ModifyLoadBalancerAttributesCommand({ LoadBalancerArn: balancer, Attributes: further }),
    );
    const slowly = { Key: 'slow_start.duration_seconds', Value: '30' };
    await elb().send(new ModifyTargetGroupAttributesCommand({ TargetGroupArn: group, Attributes: [slowly] }));
    expect(wire().plane.topology.targetGroups.find(({ name }) => name === 'web')?.slowStartSeconds).toBe(30);
    expect(wire().plane.topology.loadBalancers.find(({ name }) => name === 'web')).toMatchObject({
      accessLogs: { bucket: 'logs', prefix: 'web' },
      listeners: [
        {
          rules: [
            {
              priority: 7,
              conditions: [
                { field: 'path-pattern', values: ['/old/*'] },
                { field: 'query-string', values: [{ key: 'v', value: '1' }] },
              ],
              action: { type: 'fixed-response', statusCode: 410, body: 'gone' },
            },
          ],
        },
      ],
    });
    const put = createLogObjectWriter(createMotoClient(wire().moto.baseUrl), 'us-east-1');
    await put('logs', 'web/a+b c.log.gz', Buffer.from('x'));
    const listed = await bucket.send(new ListObjectsV2Command({ Bucket: 'logs' }));
    expect(listed.Contents?.map(({ Key }) => Key)).toContain('web/a+b c.log.gz');
    await expect(put('no-such-bucket-here', 'k', Buffer.from('x'))).rejects.toThrow('404');
    await elb().send(new DeleteLoadBalancerCommand({ LoadBalancerArn: balancer }));
    expect(wire().plane.topology.loadBalancers.map(({ name }) => name)).not.toContain('web');
  });

  test('target health is what the plane says', async () => {
    const { group } = await create('health');
    const Targets = [{ Id: '10.2.101.7' }, { Id: '10.2.102.8', Port: 81 }];
    await elb().send(new RegisterTargetsCommand({ TargetGroupArn: group, Targets }));
    expect(
      wire()
        .plane.targets.get(group)
        ?.map(({ dial }) => dial),
    ).toEqual([
      { address: '127.2.101.7', port: 5000 },
      { address: '127.2.102.8', port: 81 },
    ]);
    const health = await elb().send(new DescribeTargetHealthCommand({ TargetGroupArn: group }));
    expect(health.TargetHealthDescriptions?.[0]).toMatchObject({
      Target: { Id: '10.2.101.7', Port: 5000 },
      TargetHealth: {
        State: 'unhealthy',
        Reason: 'Target.ResponseCodeMismatch',
        Description: 'Health checks failed with these codes: [404] & <more>',
      },
    });
    const asked = await elb().send(
      new DescribeTargetHealthCommand({ TargetGroupArn: group, Targets: [{ Id: '10.2.9.9', Port: 1 }] }),
    );
    expect(asked.TargetHealthDescriptions?.map(({ TargetHealth }) => TargetHealth?.Reason)).toEqual([
      'Target.NotRegistered',
    ]);
    await elb().send(
      new DeregisterTargetsCommand({ TargetGroupArn: group, Targets: [{ Id: '10.2.101.7' }] }),
    );
    expect(
      wire()
        .plane.targets.get(group)
        ?.map(({ id }) => id),
    ).toEqual(['10.2.102.8']);
    const unknown = group.replace('targetgroup/health', 'targetgroup/none');
    await expect(
      elb().send(new DescribeTargetHealthCommand({ TargetGroupArn: unknown })),
    ).rejects.toMatchObject({ name: 'TargetGroupNotFoundException' });
  });
}
