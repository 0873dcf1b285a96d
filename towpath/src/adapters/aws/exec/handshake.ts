/** The agent's handshake request and our answer to it. Pure. */
import { parseJsonPayload } from '../../../../../session-protocol/agent-message.ts';

/** The plugin's version whose answers these are; agents decide by it what they may ask for. */
const CLIENT_VERSION = '1.2.707.0';
const STATUS = { success: 1, failed: 2, unsupported: 3 } as const;
const SESSION_TYPES: readonly unknown[] = [
  'Standard_Stream',
  'InteractiveCommands',
  'NonInteractiveCommands',
];

export interface HandshakeAnswer {
  readonly response: object;
  /** Why the session can't go on. */
  readonly refusal: string | undefined;
}

export function decideHandshake(payload: Buffer): HandshakeAnswer {
  const requested = parseJsonPayload(payload)?.RequestedClientActions;
  const actions = Array.isArray(requested) ? (requested as readonly unknown[]) : [];
  const processed = actions.map(decideAction);
  const errors = processed.flatMap(({ Error: error }) => (error === '' ? [] : [error]));
  return {
    response: { ClientVersion: CLIENT_VERSION, ProcessedClientActions: processed, Errors: errors },
    refusal: errors.length === 0 ? undefined : `The session can't be opened: ${errors.join('; ')}.`,
  };
}

function decideAction(action: unknown) {
  const type = property(action, 'ActionType');
  const answer = (status: number, error: string) => ({
    ActionType: type,
    ActionStatus: status,
    ActionResult: null,
    Error: error,
  });
  if (type === 'SessionType') {
    const wanted = property(property(action, 'ActionParameters'), 'SessionType');
    return SESSION_TYPES.includes(wanted)
      ? answer(STATUS.success, '')
      : answer(STATUS.failed, `unknown session type ${String(wanted)}`);
  }
  // Of clusters with a key of their own for sessions; those of this project have none.
  if (type === 'KMSEncryption')
    return answer(
      STATUS.unsupported,
      'the cluster encrypts its sessions with a KMS key; use aws ecs execute-command',
    );
  return answer(STATUS.unsupported, `the agent asks for ${String(type)}, which is not known here`);
}

function property(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
}
