import { expect, it } from 'vitest';
import { addressCommands } from './address-commands.ts';

const LOCAL = { flags: '--local', approvers: ['reviewer', 'developer'] };

it.each([
  ['towpath deploy test', 'towpath deploy test --local'],
  ['towpath unlock qa, then the same command', 'towpath unlock qa --local, then the same command'],
  ['towpath deploy test tries again', 'towpath deploy test --local tries again'],
  ['somebody else runs: towpath approve qa', 'somebody else runs: towpath approve qa --local --as reviewer'],
  [
    'somebody other than developer runs: towpath approve qa',
    'somebody other than developer runs: towpath approve qa --local --as reviewer',
  ],
  [
    'somebody other than reviewer runs: towpath approve qa',
    'somebody other than reviewer runs: towpath approve qa --local --as developer',
  ],
  [
    'towpath secret set test app-secret, or give --generate-secrets',
    'towpath secret set test --local app-secret, or give --generate-secrets',
  ],
  ['towpath status', 'towpath status --local'],
  ['towpath status test', 'towpath status test --local'],
  ['towpath deploy prod --break-glass "why"', 'towpath deploy prod --local --break-glass "why"'],
  ['towpath deploy test --local', 'towpath deploy test --local'],
  ['towpath local up', 'towpath local up'],
  ['towpath sync', 'towpath sync'],
  ['write towpath.config.ts', 'write towpath.config.ts'],
])('%s', (text, expected) => {
  expect(addressCommands(text, LOCAL)).toBe(expected);
});

it('adds only the approver where the target comes from the environment', () => {
  expect(
    addressCommands('towpath approve qa; towpath status', {
      flags: '',
      approvers: ['developer', 'reviewer'],
    }),
  ).toBe('towpath approve qa --as developer; towpath status');
});

it('leaves everything as it is on AWS', () => {
  const text = 'towpath approve qa; towpath status';
  expect(addressCommands(text, { flags: '', approvers: [] })).toBe(text);
});
