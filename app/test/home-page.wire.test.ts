/**
 * The page in a real Chromium, at the sizes of a phone and of a desktop: what it shows of three tasks, of their cache
 * and of trouble, and whether everybody can use it. Leaves its screenshots in `app/screenshots`.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../test/support/free-port.ts';
import { type BalancedTasks, startBalancedTasks } from './balanced-tasks.ts';
import { APP_DIR, makeImageDir } from './built-service.ts';
import { openChromium } from './open-chromium.ts';
import { endProcess, REDIS_PASSWORD, startRedis } from './redis-server.ts';

const SCREENSHOTS = join(APP_DIR, 'screenshots');
const PHONE = { width: 390, height: 844 };
const DESKTOP = { width: 1280, height: 800 };
/** At this width the content of a desktop page that is enlarged four times must still flow (WCAG 1.4.10). */
const NARROWEST = { width: 320, height: 640 };
const AXE_TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const ENVIRONMENT = { ENVIRONMENT: 'staging', APP_SECRET: 'page-secret', SHUTDOWN_DELAY_MS: '0' };
const LOAD_PAUSE_MS = 20;
/** The page asks every two seconds. */
const ONE_QUESTION_MS = 2_500;
const SEEN_TIMEOUT_MS = 10_000;
const TEST_TIMEOUT_MS = 60_000;

let imageDir = '';
let browser: Browser;
beforeAll(async () => {
  browser = await openChromium();
  imageDir = await makeImageDir();
  await rm(SCREENSHOTS, { recursive: true, force: true });
  await mkdir(SCREENSHOTS, { recursive: true });
});
afterAll(async () => {
  await browser?.close();
  await rm(imageDir, { recursive: true, force: true });
});

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function startTasks(
  env: Readonly<Record<string, string>> = {},
  count?: number,
): Promise<BalancedTasks> {
  const balanced = await startBalancedTasks(imageDir, { ...ENVIRONMENT, ...env }, count);
  cleanUps.push(balanced.stop);
  return balanced;
}

interface Opened {
  readonly page: Page;
  /** Messages of the console, uncaught errors, and requests to other hosts; none is right. */
  readonly complaints: readonly string[];
}

async function open(origin: string, options: BrowserContextOptions): Promise<Opened> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
  cleanUps.push(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(SEEN_TIMEOUT_MS);
  const complaints: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    const { protocol, origin: asked } = new URL(request.url());
    if (protocol !== 'data:' && asked !== origin) complaints.push(`asks ${request.url()}`);
  });
  await page.goto(origin);
  return { page, complaints };
}

/** Requests one after the other, until it is stopped. */
function startLoad(origin: string): () => Promise<void> {
  let wanted = true;
  const load = async (): Promise<void> => {
    const headers = { 'content-type': 'text/plain' };
    for (let round = 0; wanted; round += 1) {
      const method = round % 6 < 3 ? 'PUT' : 'GET';
      const body = method === 'PUT' ? { body: 'x', headers } : {};
      await (await fetch(`${origin}/cache/page`, { method, ...body })).arrayBuffer();
      await sleep(LOAD_PAUSE_MS);
    }
  };
  const running = load();
  return async () => {
    wanted = false;
    await running;
  };
}

const text = async (page: Page, id: string): Promise<string> => (await page.textContent(`#${id}`)) ?? '';

/** Resolves as soon as the element says so; the time-out of the page is the limit. */
async function untilText(page: Page, id: string, wanted: string | RegExp): Promise<void> {
  await page.locator(`#${id}`, { hasText: wanted }).waitFor({ state: 'attached' });
}

async function findViolations(page: Page): Promise<readonly string[]> {
  const { violations } = await new AxeBuilder({ page }).withTags(AXE_TAGS).analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(', ')}`);
}

const overflowOf = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');

const shoot = (page: Page, name: string): Promise<Buffer> =>
  page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });

describe('the page in Chromium', { timeout: TEST_TIMEOUT_MS }, () => {
  it.each([
    ['phone', 'light', PHONE],
    ['phone', 'dark', PHONE],
    ['desktop', 'light', DESKTOP],
    ['desktop', 'dark', DESKTOP],
  ] as const)('shows three tasks to everybody: %s, %s', async (size, colorScheme, viewport) => {
    const { origin } = await startTasks();
    cleanUps.push(startLoad(origin));
    const { page, complaints } = await open(origin, { viewport, colorScheme });
    await untilText(page, 'tasks', 'to the 3 tasks seen');
    await untilText(page, 'rate', /[1-9]/);
    const rows = await page.locator('#neighbours tr').allTextContents();
    expect(rows.map((row) => /us-east-1[abc]/.exec(row)?.[0])).toEqual(
      ['a', 'b', 'c'].map((zone) => `us-east-1${zone}`),
    );
    expect(await findViolations(page)).toEqual([]);
    expect(await overflowOf(page)).toBe(0);
    await shoot(page, `${size}-${colorScheme}`);
    await page.setViewportSize(NARROWEST);
    expect(await overflowOf(page)).toBe(0);
    expect(complaints).toEqual([]);
  });

  it('stays live: the numbers follow the requests, and rest while it is paused', async () => {
    const { origin } = await startTasks({}, 1);
    const { page } = await open(origin, { viewport: DESKTOP });
    await untilText(page, 'live', 'live');
    expect(await text(page, 'environment')).toBe('staging');
    expect(await text(page, 'release')).toBe('9f3b27c1d4e8');
    expect(await text(page, 'served')).toBe('1');
    for (let count = 0; count < 41; count += 1) await (await fetch(`${origin}/version`)).arrayBuffer();
    await untilText(page, 'served', '42');
    await untilText(page, 'rate', /[1-9]/);
    await page.click('#pause');
    await untilText(page, 'live', 'paused');
    await (await fetch(`${origin}/version`)).arrayBuffer();
    await sleep(ONE_QUESTION_MS);
    expect(await text(page, 'served')).toBe('42');
    await page.click('#pause');
    await untilText(page, 'served', '43');
  });

  it('says that Redis is there, away, and back', async () => {
    const port = await freePort();
    const redis = startRedis(port);
    cleanUps.push(() => endProcess(redis));
    const { origin } = await startTasks({ REDIS_URL: `redis://:${REDIS_PASSWORD}@127.0.0.1:${port}` });
    cleanUps.push(startLoad(origin));
    const { page, complaints } = await open(origin, { viewport: DESKTOP });
    await untilText(page, 'cache', /^Redis$/);
    await endProcess(redis);
    await untilText(page, 'cache', 'Redis is away');
    await untilText(page, 'notice', 'Redis is away. The cache goes on in the memory of each task.');
    expect(await findViolations(page)).toEqual([]);
    await shoot(page, 'desktop-degraded');
    const again = startRedis(port);
    cleanUps.push(() => endProcess(again));
    await untilText(page, 'cache', /^Redis$/);
    await untilText(page, 'notice', /^$/);
    expect(complaints).toEqual([]);
  });

  it('says that a task is unready, which faults are injected, and that nobody answers', async () => {
    const { origin, tasks } = await startTasks({ FAULTS: 'on' }, 1);
    const { page } = await open(origin, { viewport: PHONE });
    const inject = (kind: string, fault: object): Promise<Response> =>
      fetch(`${origin}/faults/${kind}`, {
        method: 'PUT',
        body: JSON.stringify(fault),
        headers: { 'content-type': 'application/json' },
      });
    expect((await inject('delay', { milliseconds: 1, percent: 1, forSeconds: 60 })).status).toBeLessThan(300);
    await untilText(page, 'notice', 'Faults are injected here: delay.');
    expect((await inject('unready', { forSeconds: 60 })).status).toBeLessThan(300);
    await untilText(page, 'notice', 'not ready');
    await untilText(page, 'phase', 'unready on purpose');
    expect(await findViolations(page)).toEqual([]);
    tasks[0]?.process.kill('SIGKILL');
    await untilText(page, 'live', 'no answer, trying again');
    expect(await findViolations(page)).toEqual([]);
    await shoot(page, 'phone-no-answer');
  });

  it('can be used with the keyboard alone, and shows where the focus is', async () => {
    const { origin } = await startTasks({}, 1);
    const { page } = await open(origin, { viewport: DESKTOP });
    await untilText(page, 'live', 'live');
    const stops: string[] = [];
    for (let presses = 0; presses < 8; presses += 1) {
      await page.keyboard.press('Tab');
      const name = (await page.textContent(':focus')) ?? '';
      const outline = await page.evaluate('getComputedStyle(document.activeElement).outline');
      stops.push(name);
      expect(outline, name).toMatch(/solid 3px/);
    }
    const routes = ['healthz', 'readyz', 'version', 'status', 'metrics', 'env', 'openapi.json'];
    expect(stops).toEqual(['Pause', ...routes.map((route) => `/${route}`)]);
    await page.focus('#pause');
    await page.keyboard.press('Enter');
    await untilText(page, 'live', 'paused');
  });

  it('says without JavaScript who answers, and nothing that is empty', async () => {
    const { origin } = await startTasks({}, 1);
    const { page } = await open(origin, { viewport: DESKTOP, javaScriptEnabled: false });
    const shown = await page.innerText('body');
    for (const fact of ['staging', '9f3b27c1d4e8', 'us-east-1a', 'ready', 'present', 'memory']) {
      expect(shown).toContain(fact);
    }
    expect(shown).toContain('Without JavaScript this page stands still.');
    expect(shown).not.toContain('Neighbours seen');
    expect(await page.locator('dd:visible').filter({ hasText: /^$/ }).count()).toBe(0);
    await shoot(page, 'desktop-without-script');
  });
});
