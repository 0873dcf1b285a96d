/** `npm run bench -w local-aws -- resources`. */
import { runBench } from './goal.ts';
import { benchResources } from './resources.ts';

await runBench(benchResources);
