import { describe, expect, it } from 'vitest';
import { parseConfig, renderConfigProblem } from './config.ts';

describe('parseConfig', () => {
  it('has defaults for everything', () => {
    expect(parseConfig({})).toEqual({
      ok: true,
      config: {
        host: '0.0.0.0',
        port: 5000,
        environment: 'local',
        greeting: 'Hello from Towpath',
        secretPresent: false,
        redisConfigured: false,
        faultsEnabled: false,
        metricsIntervalSeconds: 0,
        metadataUri: undefined,
        shutdownDelayMs: 5_000,
        shutdownTimeoutMs: 20_000,
        logLevel: 'info',
      },
      secrets: { current: undefined, previous: undefined, redisUrl: undefined },
    });
  });

  it('reads every variable, and keeps secrets apart', () => {
    const result = parseConfig({
      HOST: '127.2.101.7',
      PORT: '8080',
      ENVIRONMENT: 'qa',
      GREETING: 'Good day',
      APP_SECRET: 'hunter2',
      APP_SECRET_PREVIOUS: 'hunter1',
      REDIS_URL: 'redis://:hunter3@cache:6379',
      FAULTS: 'on',
      ECS_CONTAINER_METADATA_URI_V4: 'http://169.254.170.2/v4/abc-1/',
      SHUTDOWN_DELAY_MS: '0',
      SHUTDOWN_TIMEOUT_MS: '100',
      LOG_LEVEL: 'debug',
    });
    expect(result).toEqual({
      ok: true,
      config: {
        host: '127.2.101.7',
        port: 8080,
        environment: 'qa',
        greeting: 'Good day',
        secretPresent: true,
        redisConfigured: true,
        faultsEnabled: true,
        metricsIntervalSeconds: 60,
        metadataUri: 'http://169.254.170.2/v4/abc-1',
        shutdownDelayMs: 0,
        shutdownTimeoutMs: 100,
        logLevel: 'debug',
      },
      secrets: { current: 'hunter2', previous: 'hunter1', redisUrl: 'redis://:hunter3@cache:6379' },
    });
    expect(JSON.stringify(result.ok && result.config)).not.toContain('hunter');
  });

  it('takes an empty variable for an unset one', () => {
    const result = parseConfig({ PORT: '', APP_SECRET: '', ECS_CONTAINER_METADATA_URI_V4: '' });
    expect(result).toMatchObject({
      ok: true,
      config: { port: 5000, secretPresent: false, metadataUri: undefined },
    });
  });

  it.each([
    ['PORT', 'abc'],
    ['PORT', '-1'],
    ['PORT', '65536'],
    ['PORT', '80.5'],
    ['PORT', '0x50'],
    ['HOST', 'not a host'],
    ['ENVIRONMENT', 'pro<d>'],
    ['GREETING', 'x'.repeat(201)],
    ['ECS_CONTAINER_METADATA_URI_V4', 'ftp://169.254.170.2'],
    ['ECS_CONTAINER_METADATA_URI_V4', 'nonsense'],
    ['SHUTDOWN_DELAY_MS', '120001'],
    ['SHUTDOWN_TIMEOUT_MS', '5s'],
    ['LOG_LEVEL', 'loud'],
    ['FAULTS', 'yes'],
    ['METRICS_INTERVAL_SECONDS', '3601'],
  ])('rejects %s=%s', (variable, value) => {
    const result = parseConfig({ [variable]: value });
    expect(result).toMatchObject({ ok: false, problems: [{ variable, value }] });
  });

  it.each(['prod', 'production', 'prod-eu', 'PRD', 'live'])('never lets faults into %s', (environment) => {
    const result = parseConfig({ FAULTS: 'on', ENVIRONMENT: environment });
    expect(result).toMatchObject({ ok: false, problems: [{ variable: 'FAULTS', value: 'on' }] });
  });

  it.each(['http://cache', 'nonsense', 'redis://:%zz@cache'])('rejects REDIS_URL=%s unseen', (value) => {
    const result = parseConfig({ REDIS_URL: value });
    expect(result).toMatchObject({ ok: false, problems: [{ variable: 'REDIS_URL', value: '(hidden)' }] });
  });

  it('reports every problem at once', () => {
    const result = parseConfig({ PORT: 'abc', LOG_LEVEL: 'loud' });
    expect(result.ok ? [] : result.problems.map(({ variable }) => variable)).toEqual(['LOG_LEVEL', 'PORT']);
  });
});

describe('renderConfigProblem', () => {
  it('names variable, value and remedy', () => {
    const problem = { variable: 'PORT', value: 'abc', allowed: 'a whole number from 0 to 65535' };
    expect(renderConfigProblem(problem)).toBe(
      'PORT="abc" can\'t be used: set it to a whole number from 0 to 65535, or leave it out for the default',
    );
  });

  it('shortens long values', () => {
    const rendered = renderConfigProblem({ variable: 'GREETING', value: 'x'.repeat(500), allowed: 'less' });
    expect(rendered.length).toBeLessThan(200);
  });
});
