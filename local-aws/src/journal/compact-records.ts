/** Compaction as a whole: from the calls in their order to those that lead to the same state. Pure. */
import { decideOldLogs, mergeLogs } from './compact-logs.ts';
import { decideSuperseded } from './decide-superseded.ts';
import { createEffectContext, describeEffect } from './describe-effect.ts';
import type { JournalRecord } from './journal-record.ts';

/** The longest session that AWS gives; keys of an older one are of no use. */
const maxSessionMs = 12 * 3_600_000;

export function compactRecords(records: readonly JournalRecord[], now: number): readonly JournalRecord[] {
  const context = createEffectContext();
  const effects = records.map((record) => describeEffect(record, context));
  const dropped = new Set([...decideSuperseded(effects), ...decideOldLogs(records, effects)]);
  records.forEach((record, index) => {
    if (effects[index]?.kind === 'session' && now - record.at > maxSessionMs) dropped.add(index);
  });
  const merged = mergeLogs(records, effects, dropped);
  return records.flatMap((record, index) => {
    if (dropped.has(index)) return [];
    const instead = merged.has(index) ? merged.get(index) : record;
    return instead === undefined ? [] : [instead];
  });
}
