/**
 * Identifiers of 16 random bytes in hexadecimal, as W3C Trace Context has them for traces.
 * Made from a stock: to ask the system for randomness and to write it out costs more than a short answer does.
 */

const ID_BYTES = 16;
const ID_CHARS = 2 * ID_BYTES;
const STOCK_IDS = 256;
/** "All bytes as zero is considered an invalid value" (W3C Trace Context, trace-id). */
const INVALID_ID = '0'.repeat(ID_CHARS);

/** @param randomBytes that many unpredictable bytes */
export function createIdSource(randomBytes: (count: number) => Buffer): () => string {
  let stock = '';
  let next = 0;
  const take = (): string => {
    if (next === stock.length) {
      stock = randomBytes(STOCK_IDS * ID_BYTES).toString('hex');
      next = 0;
    }
    next += ID_CHARS;
    return stock.slice(next - ID_CHARS, next);
  };
  return () => {
    const id = take();
    return id === INVALID_ID ? take() : id;
  };
}
