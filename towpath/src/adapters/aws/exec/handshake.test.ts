import { describe, expect, it } from 'vitest';
import { decideHandshake } from './handshake.ts';

const request = (...actions: readonly unknown[]) =>
  Buffer.from(JSON.stringify({ AgentVersion: '3.3.0.0', RequestedClientActions: actions }));

describe('the answer to a handshake', () => {
  it('agrees to the session of a command', () => {
    const action = { ActionType: 'SessionType', ActionParameters: { SessionType: 'InteractiveCommands' } };
    expect(decideHandshake(request(action))).toEqual({
      response: {
        ClientVersion: expect.stringMatching(/^\d+\.\d+\.\d+\.\d+$/),
        ProcessedClientActions: [
          { ActionType: 'SessionType', ActionStatus: 1, ActionResult: null, Error: '' },
        ],
        Errors: [],
      },
      refusal: undefined,
    });
  });

  it.each([
    ['a port session', { ActionType: 'SessionType', ActionParameters: { SessionType: 'Port' } }, /Port/],
    ['encryption', { ActionType: 'KMSEncryption', ActionParameters: { KMSKeyId: 'k' } }, /KMS.*aws ecs/],
    ['what is not known', { ActionType: 'Dance' }, /Dance/],
    ['nonsense', 7, /undefined/],
  ])('refuses %s', (_what, action, message) => {
    const { refusal, response } = decideHandshake(request(action));
    expect(refusal).toMatch(message);
    expect(response).toMatchObject({ Errors: [expect.stringMatching(message)] });
  });

  it.each(['', '{}', '[]', '{"RequestedClientActions": 1}'])(
    'takes "%s" for a request of nothing',
    (text) => {
      expect(decideHandshake(Buffer.from(text))).toMatchObject({
        response: { Errors: [] },
        refusal: undefined,
      });
    },
  );
});
