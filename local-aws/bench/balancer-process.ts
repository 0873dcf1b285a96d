/**
 * Our load balancer as the daemon runs it, in a process of its own, for the benchmark:
 * `balancer-process.mjs FOLDER BASE_PORT ADDRESS:PORT...`. Prints its port when both targets are healthy.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { createLocalPorts } from '../src/balancer/local-ports.ts';
import { createLoadBalancerPlane } from '../src/balancer/plane.ts';
import type { LoadBalancerTopology } from '../src/contract.ts';
import { createSystemClock } from '../src/system-clock.ts';

const BALANCER =
  'arn:aws:elasticloadbalancing:us-east-1:123456789012:loadbalancer/app/bench/50dc6c495c0c9188';
const GROUP = 'arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/bench/6d0ecf831eec9f09';
const HEALTHY_WITHIN_MS = 10_000;

const topology: LoadBalancerTopology = {
  loadBalancers: [
    {
      arn: BALANCER,
      name: 'bench',
      idleTimeoutSeconds: 60,
      listeners: [
        {
          arn: `${BALANCER}/80`,
          port: 80,
          protocol: 'HTTP',
          defaultAction: { type: 'forward', targets: [{ targetGroupArn: GROUP, weight: 1 }] },
        },
      ],
    },
  ],
  targetGroups: [
    {
      arn: GROUP,
      name: 'bench',
      port: 5000,
      deregistrationDelaySeconds: 5,
      healthCheck: {
        path: '/',
        intervalSeconds: 5,
        timeoutSeconds: 2,
        healthyThreshold: 2,
        unhealthyThreshold: 2,
        matcher: '200',
      },
    },
  ],
};

async function serve([folder = '', basePort = '', ...upstreams]: readonly string[]): Promise<void> {
  const log = (line: string) => void process.stderr.write(`${line}\n`);
  const plane = createLoadBalancerPlane({
    clock: createSystemClock(1),
    log,
    ports: createLocalPorts({ log, basePort: Number(basePort) }),
    // As in the daemon: every request is counted; access logs could be turned on, and are off.
    metrics: { record: () => undefined },
    accessLogs: { folder, accountId: '123456789012', region: 'us-east-1' },
  });
  process.stdin.resume().once('end', () => process.exit(0));
  process.once('SIGTERM', () => process.exit(0));
  await plane.apply(topology);
  plane.register(
    GROUP,
    upstreams.map((upstream) => {
      const [address = '', port = ''] = upstream.split(':');
      return {
        id: address.replace('127.', '10.'),
        port: 5000,
        zone: 'us-east-1a',
        dial: { address, port: Number(port) },
      };
    }),
  );
  const deadline = Date.now() + HEALTHY_WITHIN_MS;
  while (plane.health(GROUP).some(({ state }) => state !== 'healthy')) {
    if (Date.now() > deadline) throw new Error(`the targets are not healthy within ${HEALTHY_WITHIN_MS} ms`);
    await sleep(20);
  }
  process.stdout.write(`ready ${plane.localPort(BALANCER, 80)}\n`);
}

await serve(process.argv.slice(2));
