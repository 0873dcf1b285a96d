import { describe, expect, it } from 'vitest';
import { publishVariables } from './published-variables.ts';

describe('publishVariables', () => {
  it('shows what is known to be harmless, and of secrets only that they are set', () => {
    const shown = publishVariables({
      PORT: '5000',
      GREETING: '',
      APP_SECRET: 'hunter2',
      APP_SECRET_PREVIOUS: 'hunter2',
      REDIS_URL: 'rediss://user:hunter2@cache.example:6379/0?token=hunter2',
      AWS_SECRET_ACCESS_KEY: 'hunter2',
      AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/v2/hunter2',
      DATABASE_PASSWORD: 'hunter2',
    });
    expect(shown).toEqual({
      PORT: '5000',
      APP_SECRET: '(set)',
      APP_SECRET_PREVIOUS: '(set)',
      REDIS_URL: 'rediss://cache.example:6379/0',
    });
  });
});
