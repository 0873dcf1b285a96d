#!/usr/bin/env node
// Starts the built command line; kept apart from it so that a missing build has a message of its own.
import { existsSync } from 'node:fs';

const main = new URL('../dist/main.js', import.meta.url);
if (!existsSync(main)) {
  console.error('✗ Towpath is not built yet.\n  next: npm run build');
  process.exit(1);
}
await import(main.href);
