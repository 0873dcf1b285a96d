/** A filter pattern that can't be read; the message says where. */
export class FilterPatternError extends Error {}
