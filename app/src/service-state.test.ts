import { describe, expect, it } from 'vitest';
import { ServiceState } from './service-state.ts';
import { UNKNOWN_IDENTITY } from './task-identity.ts';
import { TEST_IDENTITY } from './test-service.ts';

describe('ServiceState', () => {
  it('goes from starting to ready to draining', () => {
    const state = new ServiceState();
    expect([state.phase, state.identity]).toEqual(['starting', UNKNOWN_IDENTITY]);
    state.becomeReady(TEST_IDENTITY);
    expect([state.phase, state.identity]).toEqual(['ready', TEST_IDENTITY]);
    state.startDraining();
    expect(state.phase).toBe('draining');
  });

  it('does not become ready once it was told to stop', () => {
    const state = new ServiceState();
    state.startDraining();
    state.becomeReady(TEST_IDENTITY);
    expect([state.phase, state.identity]).toEqual(['draining', TEST_IDENTITY]);
  });
});
