/** Collects the head of a target's answer, past the interim ones. No I/O. */
import { MAX_HEAD_BYTES, parseResponseHead, type RequestHead, type ResponseHead } from './message-head.ts';

const HEAD_END = Buffer.from('\r\n\r\n');
const LINE_END_BYTES = HEAD_END.length / 2;
const SWITCHING_PROTOCOLS = 101;
const FIRST_FINAL_STATUS = 200;

export interface FoundAnswer {
  readonly answer: ResponseHead;
  /** Its body begins at `from`. */
  readonly bytes: Buffer;
  readonly from: number;
}

export class AnswerHeadReader {
  #held: Buffer | undefined;

  /** Whether the target has said anything that is not yet a whole head. */
  get begun(): boolean {
    return this.#held !== undefined;
  }

  /** @returns `malformed` too for a change of protocols that the request did not ask for */
  read(
    chunk: Buffer,
    request: Pick<RequestHead, 'method' | 'upgrade'>,
  ): FoundAnswer | 'incomplete' | 'malformed' {
    let bytes = this.#held === undefined ? chunk : Buffer.concat([this.#held, chunk]);
    for (;;) {
      const end = bytes.indexOf(HEAD_END);
      if (end < 0 && bytes.length <= MAX_HEAD_BYTES) {
        this.#held = Buffer.from(bytes);
        return 'incomplete';
      }
      if (end < 0 || end > MAX_HEAD_BYTES) return 'malformed';
      const answer = parseResponseHead(bytes, end + LINE_END_BYTES, request.method);
      if (answer === undefined) return 'malformed';
      const from = end + HEAD_END.length;
      if (answer.status >= FIRST_FINAL_STATUS) return { answer, bytes, from };
      if (answer.status === SWITCHING_PROTOCOLS) {
        return request.upgrade === undefined ? 'malformed' : { answer, bytes, from };
      }
      bytes = bytes.subarray(from); // an interim answer: the client has had its own
    }
  }
}
