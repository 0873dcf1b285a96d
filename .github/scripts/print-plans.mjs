/**
 * Prints what is said of the plans in a folder: `node print-plans.mjs <comment|drift|verdict> FOLDER`.
 * From the environment: ENVIRONMENTS (JSON array of the names that should be there), COMMIT or RUN_URL.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { judgeDrift, renderComment, renderDriftIssue } from './render-plans.mjs';

const PRINT = {
  comment: (plans) => renderComment(plans, process.env.COMMIT ?? ''),
  drift: (plans) => renderDriftIssue(plans, process.env.RUN_URL ?? ''),
  verdict: judgeDrift,
};

const [what = '', folder = ''] = process.argv.slice(2);
if (!Object.hasOwn(PRINT, what) || folder === '') {
  console.error(`"${what}" "${folder}": use one of ${Object.keys(PRINT).join(', ')}, and a folder`);
  process.exit(2);
}
const environments = JSON.parse(process.env.ENVIRONMENTS ?? '[]');
console.log(
  PRINT[what](environments.map((environment) => ({ environment, answer: readAnswer(environment) }))),
);

/** A plan that was cut off in the middle is none. */
function readAnswer(environment) {
  try {
    const answer = JSON.parse(readFileSync(join(folder, `${environment}.json`), 'utf8'));
    return ['result', 'error'].includes(answer?.type) ? answer : undefined;
  } catch {
    return undefined;
  }
}
