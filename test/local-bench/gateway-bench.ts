/** `npm run bench -w local-aws -- gateway`. */

import { benchGateway } from './gateway.ts';
import { runBench } from './goal.ts';

await runBench(benchGateway);
