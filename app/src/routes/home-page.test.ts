import { describe, expect, it } from 'vitest';
import { escapeHtml, type HomeFacts, renderDuration, renderHomePage } from './home-page.ts';

const FACTS: HomeFacts = {
  greeting: 'Hello',
  application: 'app',
  version: '1.2.3',
  environment: 'test',
  release: '0123456789ab',
  imageDigest: `sha256:${'0123456789abcdef'.repeat(4)}`,
  task: '0f1e',
  zone: 'us-east-1a',
  secretPresent: true,
  phase: 'ready',
  uptimeSeconds: 61,
  requestsServed: 1234,
};

describe('renderHomePage', () => {
  it('shows the facts', () => {
    const page = renderHomePage(FACTS, 'memory');
    for (const fact of ['<h1>Hello</h1>', '0123456789ab', '0f1e', 'us-east-1a', '1 min 1 s', '1,234']) {
      expect(page).toContain(fact);
    }
  });

  it('shows what is missing', () => {
    const page = renderHomePage(
      {
        ...FACTS,
        secretPresent: false,
        release: null,
        zone: null,
        phase: 'draining',
      },
      'memory',
    );
    expect(page).toContain('class="bad">missing</span>');
    expect(page).toContain('not known here');
    expect(page).toContain('class="bad">draining</span>');
  });

  it('escapes what it is given', () => {
    const page = renderHomePage({ ...FACTS, greeting: '<script>alert(1)</script>', zone: '"><b>' }, 'memory');
    expect(page).not.toContain('<script>alert');
    expect(page).not.toContain('"><b>');
    expect(page).toContain('&lt;script&gt;');
  });

  it('loads nothing from the network', () => {
    const page = renderHomePage(FACTS, 'memory').replaceAll("xmlns='http://www.w3.org/2000/svg'", '');
    expect(page).not.toMatch(/https?:|url\(|@import|src=/);
  });
});

describe('renderDuration', () => {
  it.each([
    [0, '0 s'],
    [59.9, '59 s'],
    [60, '1 min'],
    [3_725, '1 h 2 min'],
    [90_000, '1 d 1 h'],
  ])('%d s is %s', (seconds, expected) => {
    expect(renderDuration(seconds)).toBe(expected);
  });
});

describe('escapeHtml', () => {
  it('escapes the five characters', () => {
    expect(escapeHtml(`&<>"'`)).toBe('&amp;&lt;&gt;&quot;&#39;');
  });
});
