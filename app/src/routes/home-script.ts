/**
 * What keeps the page live: it asks `/status` every two seconds. Each question may reach another task, and so the page
 * learns who the neighbours are, and adds their requests up. The same text runs in every browser; nothing that the
 * service was told is put into it.
 */

/** What the page says of the cache, and how it is coloured. */
export const CACHE_LABELS = {
  redis: ['Redis', 'good'],
  memory: ['memory', ''],
  degraded: ['memory, Redis is away', 'warn'],
} as const;

export const PAGE_SCRIPT = `
(() => {
  const INTERVAL_MS = 2000;
  /** The first questions follow each other closely: neighbours are known soon. */
  const FIRST_INTERVAL_MS = 300;
  const FIRST_QUESTIONS = 6;
  const TIMEOUT_MS = 1500;
  const FORGET_MS = 60000;
  const MAX_NEIGHBOURS = 32;
  const BASELINE = 40;
  const CACHE = ${JSON.stringify(CACHE_LABELS)};
  const seen = new Map();
  let paused = false;
  let asked = 0;
  const at = (id) => document.getElementById(id);
  const set = (id, text, kind) => {
    const node = at(id);
    if (node.textContent !== text) node.textContent = text;
    if (kind !== undefined && node.className !== kind) node.className = kind;
  };
  const number = (value) => value.toLocaleString('en-US', { maximumFractionDigits: value < 10 ? 1 : 0 });
  const known = (text) => text ?? 'not known here';

  const duration = (seconds) => {
    const units = [['d', 86400], ['h', 3600], ['min', 60], ['s', 1]];
    const first = units.findIndex(([, size]) => seconds >= size);
    if (first === -1) return '0 s';
    let rest = seconds;
    return units.slice(first, first + 2).map(([unit, size]) => {
      const count = Math.floor(rest / size);
      rest -= count * size;
      return count === 0 ? '' : count + ' ' + unit;
    }).filter(Boolean).join(' ');
  };

  /** A task's requests second by second up to now; for the seconds since it was asked, its rate stands in. */
  const historyOf = ({ status, at: askedAt }, now) => {
    const { requestHistory: counts, requestsPerSecond: rate } = status;
    const missing = Math.min(counts.length, Math.floor((now - askedAt) / 1000));
    return [...counts.slice(missing), ...Array(missing).fill(rate)];
  };

  const drawRequests = (tasks, now) => {
    const histories = tasks.map((task) => historyOf(task, now));
    const history = histories[0].map((_, second) => histories.reduce((sum, counts) => sum + counts[second], 0));
    const peak = Math.max(...history);
    const step = 100 / (history.length - 1);
    const points = history.map((count, index) =>
      (index * step).toFixed(2) + ' ' + (BASELINE - 1 - (count / Math.max(1, peak)) * (BASELINE - 4)).toFixed(2));
    at('line').setAttribute('d', 'M-1 ' + (BASELINE + 2) + ' L-1 ' + points[0].split(' ')[1] + ' L' + points.join(' L') +
      ' L101 ' + points[points.length - 1].split(' ')[1] + ' L101 ' + (BASELINE + 2) + ' Z');
    set('peak', 'peak ' + number(peak));
    set('rate', number(tasks.reduce((sum, { status }) => sum + status.requestsPerSecond, 0)));
    set('tasks', tasks.length === 1 ? 'to this task' : 'to the ' + tasks.length + ' tasks seen');
  };

  const cell = (line, text) => {
    const node = line.appendChild(document.createElement('td'));
    node.textContent = text;
    return node;
  };

  const drawNeighbours = (tasks, latest) => {
    const sorted = [...tasks].sort((a, b) => {
      const [left, right] = [a, b].map(({ status }) => (status.zone ?? '') + (status.task ?? ''));
      return left < right ? -1 : 1;
    });
    at('neighbours').replaceChildren(...sorted.map(({ status }) => {
      const line = document.createElement('tr');
      const name = cell(line, status.task === null ? 'this process' : status.task.slice(0, 8));
      if (status === latest) name.className = 'latest';
      cell(line, status.zone ?? '–');
      const release = cell(line, (status.release ?? '–').slice(0, 8));
      if (status.release !== null) {
        const swatch = document.createElement('i');
        swatch.style.background = colour(status.mark);
        release.prepend(swatch);
      }
      cell(line, status.requestsPerSecond.toFixed(1));
      return line;
    }));
  };

  const colour = (mark) => 'hsl(' + mark.hue + ' 55% 48%)';

  /** What a person should know before anything else. */
  const noticeOf = (status) => {
    if (status.phase !== 'ready') return 'This task is ' + status.phase + '.';
    if (!status.ready) return 'This task says on purpose that it is not ready.';
    if (status.faults.length > 0) return 'Faults are injected here: ' + status.faults.join(', ') + '.';
    if (status.cache.mode === 'degraded') return 'Redis is away. The cache goes on in the memory of each task.';
    return '';
  };

  const drawTask = (status) => {
    const ready = status.phase === 'ready' && status.ready;
    set('environment', status.environment);
    set('release', known(status.release));
    set('zone', known(status.zone));
    set('phase', status.phase === 'ready' && !ready ? 'unready on purpose' : status.phase, ready ? 'good' : 'bad');
    set('uptime', duration(status.uptimeSeconds));
    set('task', known(status.task), status.task === null ? '' : 'code');
    set('cache', ...CACHE[status.cache.mode]);
    const reads = status.cache.hits + status.cache.misses;
    set('hits', reads === 0 ? 'no reads yet' : Math.round((100 * status.cache.hits) / reads) + ' % of ' + number(reads));
    set('served', number(status.requestsServed));
    set('flight', number(Math.max(0, status.inFlight - 1)));
    set('memory', number(status.memoryBytes / 1048576) + ' MiB');
    set('lag', number(status.eventLoopLagMs) + ' ms');
    set('faults', status.faults.length === 0 ? 'none' : status.faults.join(', '), status.faults.length === 0 ? '' : 'bad');
    set('notice', noticeOf(status));
    at('mark').setAttribute('d', status.mark.path);
    at('mark').setAttribute('fill', colour(status.mark));
  };

  const show = (status) => {
    const now = Date.now();
    const key = status.task ?? '';
    if (!seen.has(key) && seen.size >= MAX_NEIGHBOURS) seen.clear();
    seen.set(key, { status, at: now });
    for (const [task, { at: askedAt }] of seen) if (now - askedAt > FORGET_MS) seen.delete(task);
    const tasks = [...seen.values()];
    drawTask(status);
    drawRequests(tasks, now);
    drawNeighbours(tasks, status);
    for (const node of document.querySelectorAll('[data-live]')) node.hidden = false;
    if (!paused) set('live', 'live', 'good');
  };

  const ask = async () => {
    if (paused) return;
    try {
      const answer = await fetch('/status', { cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT_MS) });
      if (!answer.ok) throw new Error('status ' + answer.status);
      show(await answer.json());
    } catch {
      if (!paused) set('live', 'no answer, trying again', 'bad');
    }
    asked += 1;
    const interval = asked < FIRST_QUESTIONS ? FIRST_INTERVAL_MS : INTERVAL_MS;
    timer = setTimeout(ask, document.hidden ? 5 * INTERVAL_MS : interval);
  };

  let timer;
  at('pause').addEventListener('click', () => {
    paused = !paused;
    set('pause', paused ? 'Go on' : 'Pause');
    clearTimeout(timer);
    if (paused) set('live', 'paused', '');
    else ask();
  });
  ask();
})();
`;
