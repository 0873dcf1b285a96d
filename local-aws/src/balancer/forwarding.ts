/** What the parts of one listener share while they forward requests. */
import { randomFillSync } from 'node:crypto';
import type { Socket } from 'node:net';
import type { ListenerAction } from '../contract.ts';
import type { BalancedTarget } from './balanced-target.ts';
import type { RequestHead } from './message-head.ts';
import type { RequestRecord } from './request-record.ts';
import { renderTargetHead, type TargetHead } from './target-head.ts';

export interface ListenerFacts {
  readonly port: number;
  readonly protocol: 'http' | 'https';
  /** Real milliseconds without a byte; not divided by the speed, as targets answer in real time. */
  readonly idleTimeoutMs: number;
  /** What it tells targets of itself. */
  readonly forwardedLines: string;
}

/** What a target group gives to a request: a target, or undefined when none is registered. */
export interface ChosenTarget {
  readonly targetGroupArn: string;
  readonly target: BalancedTarget | undefined;
}

/** @returns undefined when no target group has any weight */
export type TargetChoice = () => ChosenTarget | undefined;

/** What happens to one request: the action of the rule that matched it, or of the listener. */
export interface Decision {
  /** Of the rule; 0 for the default action. */
  readonly priority: number;
  readonly action: ListenerAction;
  readonly choose: TargetChoice;
}

/** All that a connection asks of its listener. */
export interface ListenerWork {
  readonly facts: ListenerFacts;
  decide(head: RequestHead, clientAddress: string): Decision;
  /** Local port of another listener of the same load balancer. */
  localPortOf(listenerPort: number): number | undefined;
  report(record: RequestRecord): void;
  /** A request that could not even be read. */
  refused(status: number): void;
}

/** The connection that the request came on. */
export interface ExchangeClient {
  readonly socket: Socket;
  readonly address: string;
  readonly port: number;
  /** The answer is out; with `keepAlive` the next request may follow. */
  onAnswered(keepAlive: boolean): void;
}

/** @param at milliseconds since the epoch: now */
export function renderForwarded(
  head: RequestHead,
  client: ExchangeClient,
  facts: ListenerFacts,
  at: number,
): TargetHead {
  const { socket } = client;
  return renderTargetHead(head, {
    clientAddress: client.address,
    listenerLines: facts.forwardedLines,
    defaultHost: () => `${socket.localAddress}:${socket.localPort}`,
    traceRoot: traceRoot(at),
  });
}

const TRACE_BYTES = 12;
/** One call into the system for so many requests. */
const TRACES_AT_ONCE = 512;
const randomPool = Buffer.alloc(TRACE_BYTES * TRACES_AT_ONCE);
let randomAt = randomPool.length;
/** The traces of one second begin alike. */
let traceSecond = -1;
let traceStart = '';

/** A fresh trace root, for example `1-67891233-abcdef012345678912345678`. */
function traceRoot(at: number): string {
  if (randomAt >= randomPool.length) {
    randomFillSync(randomPool);
    randomAt = 0;
  }
  const second = Math.floor(at / 1000);
  if (second !== traceSecond) {
    traceSecond = second;
    traceStart = `1-${second.toString(16)}-`;
  }
  const id = randomPool.toString('hex', randomAt, randomAt + TRACE_BYTES);
  randomAt += TRACE_BYTES;
  return traceStart + id;
}
