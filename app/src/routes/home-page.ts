/** The front page as HTML: one document, no script, nothing loaded from the network. Pure. */
import type { Phase } from '../service-state.ts';

export interface HomeFacts {
  readonly greeting: string;
  readonly application: string;
  readonly version: string;
  readonly environment: string;
  /** Short image digest; null outside ECS. */
  readonly release: string | null;
  readonly imageDigest: string | null;
  readonly task: string | null;
  readonly zone: string | null;
  readonly secretPresent: boolean;
  readonly phase: Phase;
  readonly uptimeSeconds: number;
  readonly requestsServed: number;
}

export const PAGE_STYLE = `
:root { color-scheme: light dark; --paper: #f4f5f3; --card: #fff; --ink: #1d2421; --soft: #5d6963; --line: #dfe4e0;
  --accent: #0f6b4f; --good: #0f6b4f; --bad: #a83a1b; }
@media (prefers-color-scheme: dark) { :root { --paper: #121614; --card: #1a201d; --ink: #e8ede9; --soft: #98a59e;
  --line: #2c3531; --accent: #5fc9a0; --good: #5fc9a0; --bad: #f08a65; } }
* { box-sizing: border-box; margin: 0; }
body { min-height: 100vh; display: grid; place-items: center; padding: 2rem 1rem; background: var(--paper);
  color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { width: min(42rem, 100%); background: var(--card); border: 1px solid var(--line); border-radius: 14px;
  overflow: hidden; }
header { display: flex; gap: 1.25rem; align-items: center; padding: 1.75rem 2rem; border-bottom: 1px solid var(--line); }
header svg { flex: none; width: 64px; height: 64px; border-radius: 10px; background: var(--paper); }
h1 { font-size: 1.6rem; line-height: 1.2; letter-spacing: -0.01em; overflow-wrap: anywhere; }
header p { margin-top: 0.35rem; color: var(--soft); }
header strong { color: var(--accent); font-weight: 600; }
dl { display: grid; grid-template-columns: repeat(2, 1fr); gap: 1px; background: var(--line); }
dl div { padding: 0.9rem 2rem; background: var(--card); min-width: 0; }
dl .wide { grid-column: 1 / -1; }
dt { font-size: 0.8rem; color: var(--soft); }
dd { overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
code { font: 0.92em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.good { color: var(--good); } .bad { color: var(--bad); } .none { color: var(--soft); }
footer { padding: 1rem 2rem; border-top: 1px solid var(--line); color: var(--soft); font-size: 0.9rem;
  display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; }
a { color: var(--accent); text-underline-offset: 3px; }
a:focus-visible { outline: 2px solid var(--accent); outline-offset: 3px; border-radius: 3px; }
@media (max-width: 32rem) { dl { grid-template-columns: 1fr; } header, dl div, footer { padding-inline: 1.25rem; } }
`;

const ICON =
  "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E%3Crect width='8' height='8' rx='2' fill='%230f6b4f'/%3E%3C/svg%3E";

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? character);
}

const MARK_SIDE = 5;
const MARK_HALF = 3;

/** A mirrored 5 × 5 pattern drawn from the digest, so that a new release shows at a glance. */
export function renderReleaseMark(release: string | null): string {
  const digits = [...(release ?? '')].map((digit) => Number.parseInt(digit, 16));
  const hue = digits.reduce((sum, digit) => (sum * 16 + digit) % 360, 0);
  const cells: string[] = [];
  for (let index = 0; index < MARK_SIDE * MARK_HALF; index += 1) {
    const column = index % MARK_HALF;
    const row = Math.floor(index / MARK_HALF);
    const digit = digits[index % Math.max(digits.length, 1)] ?? 0;
    // The bit changes with every round through the digits, so that twelve digits fill fifteen cells.
    const bit = Math.floor(index / Math.max(digits.length, 1)) % 4;
    if (((digit >> bit) & 1) === 0) continue;
    for (const x of new Set([column, MARK_SIDE - 1 - column])) {
      cells.push(`<rect x="${x + 1}" y="${row + 1}" width="1" height="1"/>`);
    }
  }
  const label = release === null ? 'No release known' : `Mark of release ${release}`;
  return `<svg viewBox="0 0 7 7" role="img" aria-label="${escapeHtml(label)}" shape-rendering="crispEdges" fill="hsl(${hue} 55% 48%)">${cells.join('')}</svg>`;
}

const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
];

/** The two largest units: `3 h 12 min`. */
export function renderDuration(seconds: number): string {
  const first = UNITS.findIndex(([, size]) => seconds >= size);
  if (first === -1) return '0 s';
  let rest = Math.floor(seconds);
  return UNITS.slice(first, first + 2)
    .map(([unit, size]) => {
      const count = Math.floor(rest / size);
      rest -= count * size;
      return count === 0 ? '' : `${count} ${unit}`;
    })
    .filter((part) => part !== '')
    .join(' ');
}

function code(value: string | null): string {
  return value === null ? '<span class="none">not known here</span>' : `<code>${escapeHtml(value)}</code>`;
}

function fact(name: string, value: string, wide = false): string {
  return `<div${wide ? ' class="wide"' : ''}><dt>${name}</dt><dd>${value}</dd></div>`;
}

function renderPhase(phase: Phase): string {
  return phase === 'ready' ? '<span class="good">ready</span>' : `<span class="bad">${phase}</span>`;
}

export function renderHomePage(facts: HomeFacts): string {
  const secret = facts.secretPresent
    ? '<span class="good">present</span>'
    : '<span class="bad">missing</span>';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(`${facts.application} · ${facts.environment}`)}</title>
<link rel="icon" href="${ICON}">
<style>${PAGE_STYLE}</style>
</head>
<body>
<main>
<header>
${renderReleaseMark(facts.release)}
<div>
<h1>${escapeHtml(facts.greeting)}</h1>
<p>${escapeHtml(facts.application)} ${escapeHtml(facts.version)} in <strong>${escapeHtml(facts.environment)}</strong></p>
</div>
</header>
<dl>
${fact('Release', code(facts.release))}
${fact('Availability zone', code(facts.zone))}
${fact('Task', code(facts.task), true)}
${fact('State', renderPhase(facts.phase))}
${fact('App secret', secret)}
${fact('Up for', renderDuration(facts.uptimeSeconds))}
${fact('Requests served', facts.requestsServed.toLocaleString('en-US'))}
</dl>
<footer><a href="/healthz">healthz</a><a href="/readyz">readyz</a><a href="/version">version</a><a href="/metrics">metrics</a></footer>
</main>
</body>
</html>
`;
}
