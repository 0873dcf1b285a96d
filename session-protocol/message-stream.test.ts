/** The data channel made reliable, over a network that loses, repeats and reorders. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parseMessage } from './agent-message.ts';
import { MessageStream } from './message-stream.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** What becomes of one message on its way. */
type Fate = 'arrives' | 'lost' | 'twice' | 'late';
const lateMs = 700;

interface Link {
  readonly sender: MessageStream;
  readonly delivered: string[];
  readonly lost: () => number;
}

/** Two streams with a network between them that does to each message what the fates say, then behaves. */
function connect(fates: readonly Fate[]): Link {
  const rest = [...fates];
  const delivered: string[] = [];
  let lost = 0;
  const carry = (to: () => MessageStream) => (bytes: Buffer) => {
    const message = parseMessage(bytes);
    if (message === undefined) throw new Error('not a message');
    const fate = rest.shift() ?? 'arrives';
    if (fate === 'lost') return;
    const receive = () => to().receive(message);
    // Never within the call: a network takes its time.
    setTimeout(receive, fate === 'late' ? lateMs : 1);
    if (fate === 'twice') setTimeout(receive, 2);
  };
  const receiver: MessageStream = new MessageStream({
    sends: 'input_stream_data',
    receives: 'output_stream_data',
    transmit: carry(() => sender),
    deliver: (_type, payload) => delivered.push(payload.toString()),
    onLost: () => undefined,
  });
  const sender: MessageStream = new MessageStream({
    sends: 'output_stream_data',
    receives: 'input_stream_data',
    transmit: carry(() => receiver),
    deliver: () => undefined,
    onLost: () => {
      lost += 1;
    },
  });
  return { sender, delivered, lost: () => lost };
}

describe('a message stream', () => {
  it('delivers everything once and in order, whatever the network does', async () => {
    const fates = fc.array(fc.constantFrom<Fate>('arrives', 'lost', 'twice', 'late'), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(fates, fc.integer({ min: 1, max: 20 }), async (network, count) => {
        const { sender, delivered, lost } = connect(network);
        const sent = Array.from({ length: count }, (_, index) => `message ${index}`);
        for (const text of sent) sender.send(1, Buffer.from(text));
        await vi.advanceTimersByTimeAsync(120_000);
        expect(delivered).toEqual(sent);
        expect([sender.unacknowledged, lost()]).toEqual([0, 0]);
        sender.close();
      }),
      { numRuns: 50 },
    );
  });

  it('gives up after about a minute without an acknowledgement', async () => {
    const { sender, lost } = connect(Array.from({ length: 100 }, () => 'lost' as const));
    sender.send(1, Buffer.from('hello?'));
    await vi.advanceTimersByTimeAsync(50_000);
    expect(lost()).toBe(0);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(lost()).toBe(1);
    sender.close();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(lost()).toBe(1);
  });

  it('says when there is room again', async () => {
    const { sender } = connect([]);
    for (let index = 0; index < 5; index += 1) sender.send(1, Buffer.from('x'));
    let room = false;
    void sender.drainedTo(2).then(() => {
      room = true;
    });
    await vi.advanceTimersByTimeAsync(0);
    expect(room).toBe(false);
    await vi.advanceTimersByTimeAsync(10);
    expect(room).toBe(true);
  });

  it('keeps a bounded number of messages that come early', () => {
    const acknowledged: number[] = [];
    const stream = new MessageStream({
      sends: 'input_stream_data',
      receives: 'output_stream_data',
      transmit: (bytes) => void acknowledged.push(parseMessage(bytes)?.sequence ?? -1),
      deliver: () => undefined,
      onLost: () => undefined,
    });
    for (let sequence = 1; sequence <= 12_000; sequence += 1)
      stream.receive({
        type: 'output_stream_data',
        sequence,
        flags: 0,
        id: 'dd01e56b-ff48-483e-a508-b5f073f31b16',
        createdAt: 1,
        payloadType: 1,
        payload: Buffer.alloc(0),
      });
    expect(acknowledged).toHaveLength(10_000);
  });
});
