import { describe, expect, it } from 'vitest';
import { nextEvent } from '../../domain/ledger.ts';
import { keyOfSequence, parseLedgerObject, sequenceOfKey } from './ledger-object.ts';

describe('keys', () => {
  it.each([1, 42, 99_999_999])('%i goes there and back', (sequence) => {
    expect(sequenceOfKey(keyOfSequence(sequence))).toBe(sequence);
  });

  it('sort as the sequence does', () => {
    const keys = [2, 10, 1, 100].map(keyOfSequence);
    expect([...keys].sort()).toEqual([1, 2, 10, 100].map(keyOfSequence));
  });

  it.each(['ledger/', 'ledger/1.json', 'ledger/00000001.json.bak', 'x/ledger/00000001.json'])(
    '%s is none',
    (key) => {
      expect(sequenceOfKey(key)).toBeUndefined();
    },
  );
});

describe('objects', () => {
  const event = nextEvent(undefined, { time: 't', actor: 'a', payload: { type: 'environment.destroyed' } });

  it('give back the event', () => {
    expect(parseLedgerObject(JSON.stringify(event))).toEqual(event);
  });

  it.each([
    '',
    'null',
    '[]',
    '{}',
    JSON.stringify({ ...event, payload: null }),
    JSON.stringify({ ...event, hash: 1 }),
  ])('%s is none', (body) => {
    expect(parseLedgerObject(body)).toBeUndefined();
  });
});
