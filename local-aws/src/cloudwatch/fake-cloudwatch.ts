/** For tests only: the alarms of the control plane in memory, and what was put into its CloudWatch. */
import { AwsError, type ControlPlane } from '../contract.ts';
import { escapeXml } from '../gateway/xml.ts';

type Params = Readonly<Record<string, string>>;

export class FakeCloudWatch implements ControlPlane {
  readonly region = 'us-east-1';
  readonly accountId = '123456789012';
  readonly alarms = new Map<string, Record<string, string>>();
  /** Calls by action, oldest first. */
  readonly calls: { readonly action: string; readonly params: Params }[] = [];
  /** Throws while it is set. */
  failure: string | undefined;

  of(action: string): readonly Params[] {
    return this.calls.filter((call) => call.action === action).map(({ params }) => params);
  }

  state(name: string): string {
    const found = [...this.alarms.values()].find(({ AlarmName = '' }) => AlarmName.includes(name));
    return found?.StateValue ?? 'no such alarm';
  }

  async json<T>(): Promise<T> {
    throw new AwsError('InternalFailure', 'not faked');
  }

  async query(_service: string, action: string, params: Params): Promise<string> {
    if (this.failure !== undefined) throw new AwsError('InternalFailure', this.failure, 500);
    this.calls.push({ action, params });
    const { AlarmName = '' } = params;
    if (action === 'DescribeAlarms') return this.#describe();
    if (action === 'PutMetricAlarm')
      this.alarms.set(AlarmName, {
        ...params,
        StateValue: 'OK',
        StateReason: 'Unchecked: Initial alarm creation',
      });
    if (action === 'SetAlarmState') this.alarms.set(AlarmName, { ...this.alarms.get(AlarmName), ...params });
    return '<Answer/>';
  }

  #describe(): string {
    const alarms = [...this.alarms.values()].map(
      (alarm) =>
        `<member>${Object.entries(alarm)
          .filter(([name]) => !name.includes('.'))
          .map(([name, value]) => `<${name}>${escapeXml(value)}</${name}>`)
          .join('')}${membersOf(alarm, 'AlarmActions')}${dimensionsOf(alarm)}</member>`,
    );
    return `<R><DescribeAlarmsResult><MetricAlarms>${alarms.join('')}</MetricAlarms></DescribeAlarmsResult></R>`;
  }
}

function membersOf(alarm: Params, list: string): string {
  const members = Object.entries(alarm).filter(([name]) => name.startsWith(`${list}.member.`));
  return `<${list}>${members.map(([, value]) => `<member>${escapeXml(value)}</member>`).join('')}</${list}>`;
}

function dimensionsOf(alarm: Params): string {
  const names = Object.keys(alarm).filter((name) => /^Dimensions\.member\.\d+\.Name$/.test(name));
  const members = names.map((name) => {
    const value = alarm[name.replace(/Name$/, 'Value')] ?? '';
    return `<member><Name>${alarm[name]}</Name><Value>${escapeXml(value)}</Value></member>`;
  });
  return `<Dimensions>${members.join('')}</Dimensions>`;
}
