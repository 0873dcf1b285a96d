/** `npm run bench -w local-aws -- rolling`. */
import { runBench } from './goal.ts';
import { benchRolling } from './rolling.ts';

await runBench(benchRolling);
