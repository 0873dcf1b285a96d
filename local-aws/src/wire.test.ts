/** The wire: AWS SDK clients and plain HTTP against the gateway in front of a real moto, one for all suites. */
import { afterAll, beforeAll, describe } from 'vitest';
import { autoscalingWireSuite } from './autoscaling/autoscaling.wire-suite.ts';
import { cloudwatchWireSuite } from './cloudwatch/cloudwatch.wire-suite.ts';
import { ecrWireSuite } from './ecr/ecr.wire-suite.ts';
import { elbv2WireSuite } from './elbv2/elbv2.wire-suite.ts';
import { gatewayWireSuite } from './gateway/gateway.wire-suite.ts';
import { startWire, type Wire } from './wire-fixture.ts';

const startTimeoutMs = 60_000;

let wire: Wire | undefined;
const use = (): Wire => {
  if (wire === undefined) throw new Error('the wire has not started');
  return wire;
};

beforeAll(async () => {
  wire = await startWire();
}, startTimeoutMs);

afterAll(async () => {
  await wire?.close();
});

describe('gateway', () => gatewayWireSuite(use));
describe('ecr', () => ecrWireSuite(use));
describe('elbv2', () => elbv2WireSuite(use));
describe('application auto scaling', () => autoscalingWireSuite(use));
describe('cloudwatch', () => cloudwatchWireSuite(use));
