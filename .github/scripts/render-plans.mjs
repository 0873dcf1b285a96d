/**
 * What is said of `towpath plan --json` answers on GitHub: the comment on a pull request, the issue about drift.
 * Pure: answers in, Markdown out. Plain Node, since it runs where nothing is installed.
 */

/** By which the comment is found again; `comment-plans.sh` looks for it. */
export const COMMENT_MARKER = '<!-- towpath-plans -->';
/** GitHub takes 65536 characters; the rest is for the text around the plans. */
const MAX_PLAN_CHARACTERS = 55_000;
/** Replaced with every new image, as a matter of course. */
const REPLACED_BY_DESIGN = new Set(['aws_ecs_task_definition']);

/**
 * @typedef {{ environment: string, answer: Record<string, any> | undefined }} Planned an answer is the last line of
 * `towpath plan --json`; undefined when the job ended before there was one
 */

/** @param {readonly Planned[]} plans @param {string} commit @returns {string} */
export function renderComment(plans, commit) {
  return [
    COMMENT_MARKER,
    `### What ${commit.slice(0, 7)} would change`,
    '',
    ...renderTable(plans),
    '',
    ...renderDetails(plans),
    'Planned with the image that runs in each environment; a new release changes the task definition, too.',
    '',
  ].join('\n');
}

/** @param {readonly Planned[]} plans @param {string} runUrl @returns {string} */
export function renderDriftIssue(plans, runUrl) {
  return [
    'A plan with the image that runs should be empty. Somebody changed something by hand, or main was not deployed yet.',
    '',
    ...renderTable(plans),
    '',
    ...renderDetails(plans),
    `Seen by [this run](${runUrl}). \`towpath plan ENVIRONMENT\` shows it on your computer.`,
    '',
  ].join('\n');
}

/** `clean` only when there is a plan for each environment and all are empty. @param {readonly Planned[]} plans */
export function judgeDrift(plans) {
  return plans.length > 0 && plans.every(({ answer }) => answer?.type === 'result' && answer.summary.empty)
    ? 'clean'
    : 'attention';
}

/** @param {readonly Planned[]} plans */
function renderTable(plans) {
  return [
    '| environment | plan |',
    '|---|---|',
    ...plans.map(({ environment, answer }) => `| ${environment} | ${summarise(answer)} |`),
  ];
}

/** @param {Planned['answer']} answer one line, safe in a cell of a table */
function summarise(answer) {
  if (answer === undefined) return '**no plan**: the job ended before Towpath answered; see its log';
  if (answer.type !== 'result') return `**no plan**: \`${answer.code}\` ${inCell(answer.message)}`;
  const { summary, counts } = answer;
  if (summary.empty) return 'nothing';
  const { add, change, destroy } = counts;
  if (add + change + destroy === 0) return 'outputs only';
  const lost = summary.changes
    .filter(
      ({ action, type }) => (action === 'delete' || action === 'replace') && !REPLACED_BY_DESIGN.has(type),
    )
    .map(({ action, address }) => `<br>⚠ ${action} ${inCell(address)}`);
  return `${add} to add, ${change} to change, ${destroy} to destroy${lost.join('')}`;
}

/** @param {readonly Planned[]} plans those with something to show, each with its share of the room there is */
function renderDetails(plans) {
  const shown = plans.filter(({ answer }) => answer?.type === 'result' && answer.text !== '');
  const room = Math.floor(MAX_PLAN_CHARACTERS / Math.max(1, shown.length));
  return shown.flatMap(({ environment, answer }) => [
    `<details><summary>${environment}</summary>`,
    '',
    ...inFence(shorten(answer?.text, room)),
    '',
    '</details>',
    '',
  ]);
}

/** @param {string} text @param {number} room in characters */
function shorten(text, room) {
  if (text.length <= room) return text;
  return `${text.slice(0, room)}\n... ${text.length - room} more characters; the whole plan is in the job's log`;
}

/** A fence longer than any in the text, so that nothing in a plan ends it. @param {string} text */
function inFence(text) {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const fence = '`'.repeat(longest + 1);
  return [`${fence}diff`, text.trimEnd(), fence];
}

/** As code, on one line, whatever it holds: messages quote values that others chose. @param {unknown} value */
function inCell(value) {
  const text = String(value).replaceAll(/\s+/g, ' ').replaceAll('|', '\\|').replaceAll('`', "'");
  return `\`${text}\``;
}
