/**
 * CloudWatch alarms that guard a deployment: their state is polled while a deployment is in progress.
 * An alarm that is in ALARM when the deployment starts disables the check for that deployment, as on AWS.
 */
import type { Clock, ControlPlane } from '../contract.ts';
import type { DeploymentRecord, ServiceRecord } from './model.ts';

/** Pause between two looks at the alarms. AWS-side. */
const POLL_AWS_MS = 15_000;
/** Shortest real pause, at any speed. */
const POLL_MIN_MS = 1_000;
/** DescribeAlarms takes this many names. */
const MAX_NAMES = 100;

export interface AlarmWatch {
  /** True once an alarm of the service rang during this deployment. Starts a look when one is due. */
  triggered(service: ServiceRecord, deployment: DeploymentRecord): boolean;
}

/** Names of the alarms in state ALARM in an answer of DescribeAlarms. */
export function parseRingingAlarms(xml: string): readonly string[] {
  return xml
    .split('<AlarmName>')
    .slice(1)
    .filter((chunk) => /<StateValue>ALARM<\/StateValue>/.test(chunk))
    .map((chunk) => chunk.slice(0, chunk.indexOf('<')));
}

export function createAlarmWatch(
  clock: Clock,
  control: ControlPlane,
  log: (line: string) => void,
): AlarmWatch {
  const watched = new WeakMap<DeploymentRecord, { nextAt: number; first: boolean; ringing: boolean }>();

  async function look(
    service: ServiceRecord,
    deployment: DeploymentRecord,
    state: { first: boolean; ringing: boolean },
  ): Promise<void> {
    const names = service.configuration.alarms.alarmNames.slice(0, MAX_NAMES);
    const params = Object.fromEntries(names.map((name, i) => [`AlarmNames.member.${i + 1}`, name]));
    const ringing = parseRingingAlarms(await control.query('cloudwatch', 'DescribeAlarms', params));
    if (state.first && ringing.length > 0) deployment.alarmsIgnored = true;
    state.first = false;
    state.ringing = ringing.length > 0;
  }

  return {
    triggered(service, deployment) {
      const { alarms } = service.configuration;
      if (!alarms.enable || alarms.alarmNames.length === 0 || deployment.rolloutState !== 'IN_PROGRESS')
        return false;
      const state = watched.get(deployment) ?? { nextAt: 0, first: true, ringing: false };
      watched.set(deployment, state);
      if (clock.now() >= state.nextAt) {
        state.nextAt = clock.now() + Math.max(POLL_MIN_MS, clock.scaled(POLL_AWS_MS));
        look(service, deployment, state).catch((error: unknown) =>
          log(`alarms of ${service.arn}: ${error instanceof Error ? error.message : String(error)}`),
        );
      }
      return state.ringing && !deployment.alarmsIgnored;
    },
  };
}
