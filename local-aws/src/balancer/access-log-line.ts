/** The line of an Application Load Balancer's access log, and the key of the object it is delivered in. Pure. */
import { hostWithoutPort } from './balancer-answer.ts';
import type { RequestRecord } from './request-record.ts';
import { metricDimension } from './traffic-meter.ts';

/** Quotes and control characters would break a field: AWS escapes them by their code. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const UNSAFE = /["\\\u0000-\u001f\u007f-\uffff]/g;

/** @param loadBalancerId `app/NAME/ID` */
export function renderAccessLogLine(record: RequestRecord, loadBalancerId: string): string {
  const target = record.target === undefined ? '-' : `${record.target.id}:${record.target.port}`;
  const status = record.targetStatus ?? '-';
  const request = escapeField(`${record.method} ${urlOf(record)} HTTP/1.${record.minorVersion}`);
  return (
    `${record.type} ${isoTime(record.endedAt)} ${loadBalancerId} ${record.clientAddress}:${record.clientPort} ` +
    `${target} ${seconds(record.requestMs)} ${seconds(record.targetMs)} ${seconds(record.responseMs)} ` +
    `${record.elbStatus} ${status} ${record.receivedBytes} ${record.sentBytes} ` +
    `"${request}" "${escapeField(record.userAgent ?? '-')}" ` +
    // ssl_cipher and ssl_protocol: HTTPS listeners are plain here
    `- - ${record.targetGroupArn ?? '-'} "${escapeField(record.trace)}" ` +
    // domain_name and chosen_cert_arn
    `"-" "-" ${record.priority ?? '-'} ${isoTime(record.createdAt)} ` +
    // error_reason: of authentication and functions only
    `"${record.actions}" "${escapeField(record.redirectUrl ?? '-')}" "-" "${target}" "${status}" ` +
    // classification and its reason: no request is judged
    '"-" "-" TID_00000000000000000000000000000000'
  );
}

const MICROS_OF_A_SECOND = 1_000_000;
let lastSecond = -1;
let lastSecondText = '';

/** Many lines are of the same second: its text is kept, as rendering a date is the dearest part of a line. */
function isoTime(milliseconds: number): string {
  const second = Math.floor(milliseconds / 1000);
  if (second !== lastSecond) {
    lastSecond = second;
    lastSecondText = new Date(second * 1000).toISOString().slice(0, -4);
  }
  return `${lastSecondText}${String(1000 + (milliseconds - second * 1000)).slice(1)}000Z`;
}

function urlOf(record: RequestRecord): string {
  const scheme = record.type === 'ws' || record.type === 'http' ? 'http' : 'https';
  return `${scheme}://${hostWithoutPort(record.host ?? '-')}:${record.listenerPort}${record.url}`;
}

/** With microseconds, as AWS writes them; -1 where it did not come so far. */
function seconds(ms: number): string {
  if (ms < 0) return '-1';
  const micros = Math.round(ms * 1000);
  const whole = Math.floor(micros / MICROS_OF_A_SECOND);
  // A leading 1 keeps the zeros; several times as fast as toFixed.
  return `${whole}.${String(MICROS_OF_A_SECOND + (micros % MICROS_OF_A_SECOND)).slice(1)}`;
}

function escapeField(text: string): string {
  if (text.search(UNSAFE) < 0) return text;
  return text.replace(UNSAFE, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

export interface AccessLogPlace {
  readonly prefix: string;
  readonly accountId: string;
  readonly region: string;
  readonly loadBalancerArn: string;
  /** Milliseconds since the epoch: the end of the interval that the object covers. */
  readonly endedAt: number;
  /** The address of the load balancer's node. */
  readonly address: string;
  /** Several objects may end in the same minute. */
  readonly random: string;
}

export function renderAccessLogKey(place: AccessLogPlace): string {
  const iso = new Date(place.endedAt).toISOString();
  const [day = '', time = ''] = iso.split('T');
  const end = `${day.replaceAll('-', '')}T${time.slice(0, 5).replace(':', '')}Z`;
  const resource = metricDimension(place.loadBalancerArn).replaceAll('/', '.');
  const { accountId, region, address, random } = place;
  const name = `${accountId}_elasticloadbalancing_${region}_${resource}_${end}_${address}_${random}.log.gz`;
  const folder = `AWSLogs/${accountId}/elasticloadbalancing/${region}/${day.replaceAll('-', '/')}`;
  return [place.prefix.replace(/\/$/, ''), folder, name].filter((part) => part !== '').join('/');
}
