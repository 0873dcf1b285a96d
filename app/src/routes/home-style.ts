/** The style sheet of the page. Phone first, dark and light; colours keep a contrast of at least 4.5 to 1. */

export const PAGE_STYLE = `
:root { color-scheme: light dark; --paper: #f2f5f3; --card: #fff; --ink: #17211c; --soft: #56625c; --line: #e0e6e2;
  --accent: #0b6b4d; --wash: #dff0e9; --good: #0b6b4d; --warn: #8a5200; --bad: #a83216; --note: #fdf1dc; --mark: 1; }
@media (prefers-color-scheme: dark) { :root { --paper: #0e1311; --card: #161c19; --ink: #e7eeea; --soft: #9aa8a1;
  --line: #28312c; --accent: #5fd0a4; --wash: #173328; --good: #5fd0a4; --warn: #f0b45c; --bad: #f58f6c; --note: #33270f; --mark: 1.45; } }
* { box-sizing: border-box; margin: 0; }
[hidden], .notice:empty { display: none !important; }
body { min-height: 100vh; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  padding: clamp(1rem, 2.5vw, 1.75rem) 1rem; }
.page { width: min(68rem, 100%); margin: 0 auto; display: grid; gap: 1rem; }
header { display: flex; flex-wrap: wrap; gap: 0.75rem 1.1rem; align-items: center; }
header > div { flex: 1 1 12rem; min-width: 0; }
.mark { flex: none; width: 64px; height: 64px; border-radius: 14px; background: var(--card); border: 1px solid var(--line); }
.mark path, td i { filter: brightness(var(--mark)); }
h1 { font-size: clamp(1.45rem, 5vw, 2rem); line-height: 1.15; letter-spacing: -0.02em; overflow-wrap: anywhere; }
h2 { font-size: 0.95rem; font-weight: 600; margin-bottom: 0.6rem; }
header p { margin-top: 0.2rem; color: var(--soft); }
header strong { color: var(--accent); font-weight: 650; }
.state { display: flex; align-items: center; gap: 0.9rem; min-height: 2.2rem; }
#live:not(:empty)::before { content: ""; display: inline-block; width: 0.55em; height: 0.55em; margin-right: 0.45em; border-radius: 50%; background: currentColor; }
button { font: inherit; font-size: 0.9rem; color: var(--ink); background: var(--card); border: 1px solid var(--line); border-radius: 999px;
  padding: 0.3rem 0.95rem; min-height: 2.2rem; cursor: pointer; }
button:hover { border-color: var(--accent); }
main { display: grid; gap: 1rem; grid-template-columns: minmax(0, 1fr); }
.notice { background: var(--note); color: var(--warn); border-radius: 12px; padding: 0.7rem 1.1rem; font-weight: 550; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 16px; padding: 1.1rem 1.3rem; min-width: 0; display: flex; flex-direction: column; }
dl > div { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; padding: 0.36rem 0; border-top: 1px solid var(--line); }
dl > div:first-child { border-top: 0; }
dt { color: var(--soft); }
dd { overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.code { font: 0.8em/1.9 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); }
.rate { display: flex; align-items: baseline; gap: 0.5rem; flex-wrap: wrap; }
.rate b { font-size: 2.6rem; line-height: 1; font-weight: 650; letter-spacing: -0.03em; font-variant-numeric: tabular-nums; }
.rate span { color: var(--soft); }
.chart { flex: 1 0 112px; height: 112px; display: block; width: 100%; margin: 0.8rem 0 0.3rem; }
.chart path { fill: var(--wash); stroke: var(--accent); stroke-width: 1.75; vector-effect: non-scaling-stroke; stroke-linejoin: round; }
.axis { display: flex; justify-content: space-between; font-size: 0.82rem; color: var(--soft); font-variant-numeric: tabular-nums; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; white-space: nowrap; padding: 0.42rem 0.6rem 0.42rem 0; border-top: 1px solid var(--line); }
th { font-size: 0.85rem; font-weight: 400; color: var(--soft); border-top: 0; padding-top: 0; }
td:first-child::before { content: ""; display: inline-block; width: 0.5em; height: 0.5em; margin-right: 0.5em; border-radius: 50%; vertical-align: 0.08em; }
td.latest::before { background: var(--accent); }
td i { display: inline-block; width: 0.7em; height: 0.7em; margin-right: 0.5em; border-radius: 3px; }
th:last-child, td:last-child { text-align: right; padding-right: 0; }
.note { font-size: 0.85rem; color: var(--soft); margin-top: 0.75rem; }
nav { font-size: 0.9rem; display: flex; flex-wrap: wrap; gap: 0.2rem 1.25rem; }
nav a { padding: 0.25rem 0; }
a { color: var(--accent); text-underline-offset: 3px; }
a:focus-visible, button:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
button:focus-visible { border-radius: 999px; }
@media (max-width: 26rem) { section { padding-inline: 1rem; } .mark { width: 56px; height: 56px; } table { font-size: 0.85rem; } }
@media (max-width: 23rem) { th, td { white-space: normal; } td i { display: none; } }
@media (min-width: 52rem) { main { grid-template-columns: minmax(0, 1.7fr) minmax(0, 1fr); } .notice, noscript { grid-column: 1 / -1; } }
`;
