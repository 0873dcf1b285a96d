/**
 * The two directions of a data channel made reliable: what we send is numbered, kept and sent again until it is
 * acknowledged; what comes is acknowledged, put in order and handed on once. Knows nothing of sockets.
 */
import { randomUUID } from 'node:crypto';
import { type AgentMessage, type MessageType, parseJsonPayload, renderMessage } from './agent-message.ts';

/** First wait for an acknowledgement; each time that a message is sent again doubles it. */
const RESEND_AFTER_MS = 200;
const MAX_RESEND_AFTER_MS = 1_000;
/** Sends of one message, before the other side counts as gone: about a minute. */
const MAX_SENDS = 60;
/** Messages that came before their turn and are kept, as many as AWS's own client keeps. */
const MAX_EARLY_MESSAGES = 10_000;

export interface MessageStreamOptions {
  /** Type of the data messages that this side sends. */
  readonly sends: Extract<MessageType, 'input_stream_data' | 'output_stream_data'>;
  readonly receives: Extract<MessageType, 'input_stream_data' | 'output_stream_data'>;
  readonly transmit: (bytes: Buffer) => void;
  /** Called for each data message once, in order. */
  readonly deliver: (payloadType: number, payload: Buffer) => void;
  /** The other side acknowledges nothing any more. */
  readonly onLost: () => void;
}

interface Unacknowledged {
  readonly bytes: Buffer;
  sends: number;
}

export class MessageStream {
  readonly #options: MessageStreamOptions;
  readonly #unacknowledged = new Map<number, Unacknowledged>();
  readonly #early = new Map<number, AgentMessage>();
  #nextToSend = 0;
  #nextToDeliver = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  #waiters: (() => void)[] = [];

  constructor(options: MessageStreamOptions) {
    this.#options = options;
  }

  /** Messages that were sent and not acknowledged. */
  get unacknowledged(): number {
    return this.#unacknowledged.size;
  }

  send(payloadType: number, payload: Buffer): void {
    if (this.#closed) return;
    const sequence = this.#nextToSend;
    this.#nextToSend += 1;
    const bytes = renderMessage({
      type: this.#options.sends,
      sequence,
      flags: sequence === 0 ? 1 : 0,
      id: randomUUID(),
      createdAt: Date.now(),
      payloadType,
      payload,
    });
    this.#unacknowledged.set(sequence, { bytes, sends: 1 });
    this.#options.transmit(bytes);
    this.#schedule();
  }

  /** Takes an acknowledgement or a data message; other types are none of its business. */
  receive(message: AgentMessage): void {
    if (this.#closed) return;
    if (message.type === 'acknowledge') this.#takeAcknowledgement(message.payload);
    else if (message.type === this.#options.receives) this.#takeData(message);
  }

  /** Resolves when at most `count` messages are unacknowledged, or the stream is closed. */
  async drainedTo(count: number): Promise<void> {
    while (this.#unacknowledged.size > count && !this.#closed)
      await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#unacknowledged.clear();
    this.#early.clear();
    this.#wake();
  }

  #takeAcknowledgement(payload: Buffer): void {
    const sequence = parseJsonPayload(payload)?.AcknowledgedMessageSequenceNumber;
    if (typeof sequence !== 'number' || !this.#unacknowledged.delete(sequence)) return;
    this.#schedule();
    this.#wake();
  }

  #takeData(message: AgentMessage): void {
    const { sequence } = message;
    // Not acknowledged, it is sent again when there is room.
    if (sequence > this.#nextToDeliver && this.#early.size >= MAX_EARLY_MESSAGES) return;
    this.#acknowledge(message);
    if (sequence < this.#nextToDeliver) return;
    this.#early.set(sequence, message);
    for (;;) {
      const next = this.#early.get(this.#nextToDeliver);
      if (next === undefined) return;
      this.#early.delete(this.#nextToDeliver);
      this.#nextToDeliver += 1;
      this.#options.deliver(next.payloadType, next.payload);
    }
  }

  #acknowledge(message: AgentMessage): void {
    const content = {
      AcknowledgedMessageType: message.type,
      AcknowledgedMessageId: message.id,
      AcknowledgedMessageSequenceNumber: message.sequence,
      IsSequentialMessage: true,
    };
    this.#options.transmit(
      renderMessage({
        type: 'acknowledge',
        sequence: 0,
        flags: 3,
        id: randomUUID(),
        createdAt: Date.now(),
        payloadType: 0,
        payload: Buffer.from(JSON.stringify(content)),
      }),
    );
  }

  /** Waits for the oldest alone, as the plugin does: the others mostly have come and wait for it. */
  #schedule(): void {
    clearTimeout(this.#timer);
    const oldest = this.#unacknowledged.values().next().value;
    if (oldest === undefined || this.#closed) return;
    const waitMs = Math.min(RESEND_AFTER_MS * 2 ** Math.min(oldest.sends - 1, 10), MAX_RESEND_AFTER_MS);
    this.#timer = setTimeout(() => {
      if (oldest.sends >= MAX_SENDS) {
        this.#options.onLost();
        return;
      }
      oldest.sends += 1;
      this.#options.transmit(oldest.bytes);
      this.#schedule();
    }, waitMs);
    this.#timer.unref();
  }

  #wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const wake of waiters) wake();
  }
}
