/**
 * The front page as HTML: one document, nothing loaded from elsewhere. It says who answers without its script, which
 * adds what changes from second to second. Pure.
 */
import type { Phase } from '../service-state.ts';
import { CACHE_LABELS, PAGE_SCRIPT } from './home-script.ts';
import { PAGE_STYLE } from './home-style.ts';
import { drawReleaseMark } from './release-mark.ts';

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

/** What the page shows of the cache. */
export type CacheMode = keyof typeof CACHE_LABELS;

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

function renderReleaseMark(release: string | null): string {
  const { path, hue } = drawReleaseMark(release);
  return `<svg class="mark" viewBox="0 0 7 7" aria-hidden="true" shape-rendering="crispEdges"><path id="mark" fill="hsl(${hue} 55% 48%)" d="${path}"/></svg>`;
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

/** A fact that the server knows. */
function fact(name: string, id: string, value: string, kind = ''): string {
  const shown = `<span id="${id}"${kind === '' ? '' : ` class="${kind}"`}>${escapeHtml(value)}</span>`;
  return `<div><dt>${name}</dt><dd>${shown}</dd></div>`;
}

/** Of a fact that changes from second to second the script is the only source; without it there is none to see. */
function liveFact(name: string, id: string): string {
  return `<div data-live hidden><dt>${name}</dt><dd><span id="${id}"></span></dd></div>`;
}

function renderWhere(facts: HomeFacts): string {
  const known = (value: string | null) => value ?? 'not known here';
  return `<section aria-labelledby="where">
<h2 id="where">Who answers</h2>
<dl>
${fact('Environment', 'environment', facts.environment)}
${fact('Release', 'release', known(facts.release))}
${fact('Zone', 'zone', known(facts.zone))}
${fact('State', 'phase', facts.phase, facts.phase === 'ready' ? 'good' : 'bad')}
${fact('Up for', 'uptime', renderDuration(facts.uptimeSeconds))}
${fact('App secret', 'secret', facts.secretPresent ? 'present' : 'missing', facts.secretPresent ? 'good' : 'bad')}
${fact('Task', 'task', known(facts.task), facts.task === null ? '' : 'code')}
</dl>
</section>`;
}

const REQUESTS = `<section aria-labelledby="load" data-live hidden>
<h2 id="load">Requests</h2>
<p class="rate"><b id="rate"></b> <span>a second <span id="tasks"></span></span></p>
<svg class="chart" viewBox="0 0 100 40" preserveAspectRatio="none" aria-hidden="true"><path id="line"/></svg>
<p class="axis"><span>a minute ago</span><span id="peak"></span><span>now</span></p>
</section>`;

const NEIGHBOURS = `<section aria-labelledby="seen" data-live hidden>
<h2 id="seen">Neighbours seen</h2>
<table>
<thead><tr><th scope="col">Task</th><th scope="col">Zone</th><th scope="col">Release</th><th scope="col">Req/s</th></tr></thead>
<tbody id="neighbours"></tbody>
</table>
<p class="note">Tasks that answered this page in the last minute; the dot marks the latest.</p>
</section>`;

function renderHealth({ requestsServed }: HomeFacts, cacheMode: CacheMode): string {
  const [label, kind] = CACHE_LABELS[cacheMode];
  return `<section aria-labelledby="health">
<h2 id="health">Cache and health</h2>
<dl>
${fact('Cache', 'cache', label, kind)}
${liveFact('Cache hits', 'hits')}
${fact('Requests served', 'served', requestsServed.toLocaleString('en-US'))}
${liveFact('In flight', 'flight')}
${liveFact('Memory', 'memory')}
${liveFact('Event-loop lag, p99', 'lag')}
${liveFact('Injected faults', 'faults')}
</dl>
</section>`;
}

const LINKS = ['healthz', 'readyz', 'version', 'status', 'metrics', 'env', 'openapi.json'];

export function renderHomePage(facts: HomeFacts, cacheMode: CacheMode): string {
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
<div class="page">
<header>
${renderReleaseMark(facts.release)}
<div>
<h1>${escapeHtml(facts.greeting)}</h1>
<p>${escapeHtml(facts.application)} ${escapeHtml(facts.version)} in <strong>${escapeHtml(facts.environment)}</strong></p>
</div>
<p class="state"><span id="live" role="status"></span> <button id="pause" type="button" data-live hidden>Pause</button></p>
</header>
<main>
<p id="notice" class="notice" role="status"></p>
<noscript><p class="notice">Without JavaScript this page stands still. Load it again, or read <a href="/status">status</a>.</p></noscript>
${REQUESTS}
${renderWhere(facts)}
${NEIGHBOURS}
${renderHealth(facts, cacheMode)}
</main>
<footer><nav aria-label="Routes">${LINKS.map((link) => `<a href="/${link}">/${link}</a>`).join(' ')}</nav></footer>
</div>
<script>${PAGE_SCRIPT}</script>
</body>
</html>
`;
}
