// `npm run tour`
import { fileURLToPath } from 'node:url';
import { runTypescript } from '../support/run-typescript.mjs';

await runTypescript(fileURLToPath(new URL('./tour.ts', import.meta.url)));
