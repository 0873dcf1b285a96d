import { describe, expect, it } from 'vitest';
import { renderExposition } from './exposition.ts';

describe('renderExposition', () => {
  it('writes help, type and samples', () => {
    const text = renderExposition([
      {
        name: 'requests_total',
        type: 'counter',
        help: 'Requests.',
        samples: [{ labels: { method: 'GET', status: '200' }, value: 3 }, { value: 0.5 }],
      },
      { name: 'idle', type: 'gauge', help: 'Nothing yet.', samples: [] },
    ]);
    expect(text).toBe(
      [
        '# HELP requests_total Requests.',
        '# TYPE requests_total counter',
        'requests_total{method="GET",status="200"} 3',
        'requests_total 0.5',
        '# HELP idle Nothing yet.',
        '# TYPE idle gauge',
        '',
      ].join('\n'),
    );
  });

  it('escapes labels and help, and spells infinity as Prometheus does', () => {
    const text = renderExposition([
      {
        name: 'odd',
        type: 'gauge',
        help: 'a\nb \\ "c"',
        samples: [
          { labels: { path: 'x"y\\z\n' }, value: Number.POSITIVE_INFINITY },
          { value: Number.NEGATIVE_INFINITY },
          { value: Number.NaN },
        ],
      },
    ]);
    expect(text.split('\n').slice(0, 5)).toEqual([
      '# HELP odd a\\nb \\\\ "c"',
      '# TYPE odd gauge',
      'odd{path="x\\"y\\\\z\\n"} +Inf',
      'odd -Inf',
      'odd NaN',
    ]);
  });
});
