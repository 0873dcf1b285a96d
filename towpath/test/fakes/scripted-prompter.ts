/** Answers questions from a list, and keeps what was asked. Without an answer it is as if there were no terminal. */
import { Secret } from '../../src/domain/secret.ts';
import type { Prompter } from '../../src/ports.ts';

export interface ScriptedPrompter extends Prompter {
  readonly asked: string[];
  readonly secrets: string[];
  readonly confirmations: boolean[];
}

export function createScriptedPrompter(): ScriptedPrompter {
  const asked: string[] = [];
  const secrets: string[] = [];
  const confirmations: boolean[] = [];
  return {
    asked,
    secrets,
    confirmations,
    async secret(question) {
      asked.push(question);
      const answer = secrets.shift();
      return answer === undefined ? undefined : new Secret(answer);
    },
    async confirm(question) {
      asked.push(question);
      return confirmations.shift();
    },
  };
}
