import { describe, expect, it } from 'vitest';
import { problemResponse } from './problem.ts';

describe('problemResponse', () => {
  it('is a problem document', () => {
    const response = problemResponse(405, 'use GET', { allow: 'GET' });
    expect(response.status).toBe(405);
    expect(response.headers).toMatchObject({ 'content-type': 'application/problem+json', allow: 'GET' });
    expect(JSON.parse(String(response.body))).toEqual({
      type: 'about:blank',
      title: 'Method Not Allowed',
      status: 405,
      detail: 'use GET',
    });
  });
});
