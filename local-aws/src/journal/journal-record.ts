/** One changing call to the control plane, as it is journaled. Types and the limits of a record, nothing else. */

/** Bodies up to this size stand in the record itself: all but large S3 objects. */
export const maxInlineBodyBytes = 1024 * 1024;

/** A body beside the journal, in a file named by its content. */
export interface BodyReference {
  /** Hexadecimal. */
  readonly sha256: string;
  readonly bytes: number;
}

export interface JournalRecord {
  /** Number of the call, counted from 1; moto's random numbers for this call follow from it. */
  readonly sequence: number;
  /** Milliseconds since the epoch: the time that moto takes for now in this call. */
  readonly at: number;
  /** Signing name, such as `ec2`. */
  readonly service: string;
  /** Empty for REST services. */
  readonly action: string;
  readonly method: string;
  /** Path with query string. */
  readonly url: string;
  /** Name, value, name, value. */
  readonly headers: readonly string[];
  readonly body: Buffer | BodyReference;
}

/** What stands at the beginning of every segment file. */
export interface SegmentHeader {
  readonly format: number;
  readonly region: string;
  readonly accountId: string;
  /** A compacted segment stands for all calls up to this number: later segments that still have them are leftovers. */
  readonly through: number;
}

export const journalFormat = 1;
