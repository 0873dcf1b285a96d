/** What is known of a request once it is over: the source of access log and metrics. */
import type { Target } from '../contract.ts';
import type { Decision, ListenerFacts } from './forwarding.ts';
import type { RequestHead } from './message-head.ts';

export interface RequestRecord {
  readonly type: 'http' | 'https' | 'ws' | 'wss';
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly endedAt: number;
  readonly clientAddress: string;
  readonly clientPort: number;
  readonly method: string;
  readonly url: string;
  readonly minorVersion: 0 | 1;
  readonly host: string | undefined;
  readonly userAgent: string | undefined;
  readonly trace: string;
  /** Port and address of the load balancer as the client sees them, where the request names no host. */
  readonly listenerPort: number;
  /** Of the matching rule; 0 for the default action, undefined when none was looked for. */
  readonly priority: number | undefined;
  readonly actions: string;
  readonly redirectUrl: string | undefined;
  readonly targetGroupArn: string | undefined;
  readonly target: Target | undefined;
  /** Milliseconds; -1 where the request did not come so far. */
  readonly requestMs: number;
  readonly targetMs: number;
  readonly responseMs: number;
  /** 460: the client was gone first. */
  readonly elbStatus: number;
  /** What the target answered; undefined when it did not. */
  readonly targetStatus: number | undefined;
  /** A connection to the target could not be opened. */
  readonly connectionFailed: boolean;
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

/**
 * What an exchange writes down as it goes on, and its record once it is over. Most of a record is for the access log
 * only, and is put together when it is asked for.
 */
export class ExchangeNotes implements RequestRecord {
  readonly createdAt = Date.now();
  /** Of the monotonic clock, as all times but `createdAt`; below 0 while it has not come so far. */
  readonly startedAt = performance.now();
  sentAt = -1;
  answeredAt = -1;
  doneAt = -1;
  trace = '';
  tunnelled = false;
  redirectUrl: string | undefined;
  targetGroupArn: string | undefined;
  target: Target | undefined;
  elbStatus = 0;
  targetStatus: number | undefined;
  connectionFailed = false;
  receivedBytes = 0;
  sentBytes = 0;
  readonly #head: RequestHead;
  readonly #client: { readonly address: string; readonly port: number };
  readonly #facts: ListenerFacts;
  readonly #decision: Decision;

  constructor(of: {
    readonly head: RequestHead;
    readonly client: { readonly address: string; readonly port: number };
    readonly facts: ListenerFacts;
    readonly decision: Decision;
  }) {
    this.#head = of.head;
    this.#client = of.client;
    this.#facts = of.facts;
    this.#decision = of.decision;
  }

  get type(): RequestRecord['type'] {
    const { protocol } = this.#facts;
    if (!this.tunnelled) return protocol;
    return protocol === 'https' ? 'wss' : 'ws';
  }

  get endedAt(): number {
    return this.createdAt + Math.round(this.doneAt - this.startedAt);
  }

  get clientAddress(): string {
    return this.#client.address;
  }

  get clientPort(): number {
    return this.#client.port;
  }

  get method(): string {
    return this.#head.method;
  }

  get url(): string {
    return this.#head.url;
  }

  get minorVersion(): 0 | 1 {
    return this.#head.minorVersion;
  }

  get host(): string | undefined {
    return this.#head.host;
  }

  get userAgent(): string | undefined {
    return this.#head.userAgent;
  }

  get listenerPort(): number {
    return this.#facts.port;
  }

  get priority(): number {
    return this.#decision.priority;
  }

  get actions(): string {
    return this.#decision.action.type;
  }

  get requestMs(): number {
    return this.sentAt < 0 ? -1 : this.sentAt - this.startedAt;
  }

  get targetMs(): number {
    return this.answeredAt < 0 ? -1 : this.answeredAt - this.sentAt;
  }

  get responseMs(): number {
    return this.answeredAt < 0 ? -1 : this.doneAt - this.answeredAt;
  }
}
