// The warehouse as witness: whatever became of page, network and router, each event that was told is one row there.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { browserTest, home, QUIET, until } from './support.mjs';

/** Tells of these numbers without sending at once; each test has an event, and so a table, of its own. */
const tell = (page, event, from, to) =>
  page.evaluate(
    ([name, first, last]) => {
      for (let i = first; i <= last; i++) window.opentrack.track(name, { i });
    },
    [event, from, to],
  );
const flush = (page) => page.evaluate(() => window.opentrack.flush());

/** Waits until the warehouse has the numbers from 1 to `last`; each is there once, whatever id it came under. */
async function witness(router, event, last) {
  const table = event.toLowerCase();
  await router.rows(`select min(i) as first, max(i) as last, count(distinct i) as numbers from ${table}`, [
    { first: 1, last, numbers: last },
  ]);
  assert.deepEqual(await router.sql(`select i, count(*) as times from ${table} group by i having times > 1`), []);
}

const bodies = (hub, ...status) => hub.requests.filter((request) => status.includes(request.status)).length;

browserTest(
  'reloads in the middle of everything lose nothing and repeat nothing',
  async ({ open, page, site, router }) => {
    await open(QUIET);
    for (let round = 0; round < 5; round++) {
      await tell(page, 'Reloaded', round * 4 + 1, round * 4 + 2);
      await flush(page);
      // The first two are under way, these wait.
      await tell(page, 'Reloaded', round * 4 + 3, round * 4 + 4);
      await page.goto(`${site.url}/?${round}`);
    }
    await flush(page);
    await witness(router, 'Reloaded', 20);
  },
);

browserTest(
  'what is told offline, over reloads and closed tabs, arrives once when the network is back',
  async ({ open, page, context, site, hub, router }) => {
    const next = await context.newPage();
    await next.goto(`${site.url}/plain`);
    await open(QUIET);
    await tell(page, 'Offline', 1, 5);
    await context.setOffline(true);
    await until('the page knows', () => page.evaluate(() => !navigator.onLine));
    await tell(page, 'Offline', 6, 10);
    await flush(page);
    // The site cannot be reached either: the page comes out of a cache, as with a service worker, and knows as much.
    await page.addInitScript(() => Object.defineProperty(navigator, 'onLine', { value: false }));
    await context.route(`${site.url}/**`, (route) =>
      route.fulfill({ contentType: 'text/html', body: site.pages.get('/') }),
    );
    await context.route(`${hub.url}/tracker.js`, (route) => route.fulfill({ path: join(home, 'dist/tracker.js') }));
    await page.goto(`${site.url}/?reloaded`);
    await tell(page, 'Offline', 11, 12);
    await page.close({ runBeforeUnload: true });
    await until('the browser has forgotten the tab', () =>
      next.evaluate(() => navigator.locks.query().then(({ held }) => !held.length)),
    );
    await context.unrouteAll();
    await context.setOffline(false);
    await next.goto(site.url);
    await tell(next, 'Offline', 13, 14);
    await flush(next);
    await witness(router, 'Offline', 14);
  },
);

browserTest('tabs that are closed with what waits in them', async ({ context, site, put, router }) => {
  put(QUIET);
  const tabs = [];
  for (let tab = 0; tab < 4; tab++) {
    const page = await context.newPage();
    await page.goto(site.url);
    tabs.push(page);
  }
  for (const [tab, page] of tabs.entries()) {
    await tell(page, 'Closed', tab * 3 + 1, tab * 3 + 3);
    await page.close({ runBeforeUnload: true });
  }
  await witness(router, 'Closed', 12);
});

browserTest(
  'two tabs with one store: neither sends what is the other one’s, both come through',
  async ({ open, page, context, site, router, hub }) => {
    await open(QUIET);
    const second = await context.newPage();
    await second.goto(site.url);
    await context.setOffline(true);
    await tell(page, 'Shared', 1, 6);
    await tell(second, 'Shared', 7, 12);
    await Promise.all([flush(page), flush(second)]);
    await context.setOffline(false);
    await witness(router, 'Shared', 12);
    const sent = hub.requests.flatMap(({ messages }) => messages.map(({ messageId }) => messageId));
    assert.equal(sent.length, new Set(sent).size);
  },
);

browserTest('a page that sleeps in the back-forward cache and wakes', async ({ open, page, site, router, hub }) => {
  await open({ ...QUIET, autoTrackPageViews: true });
  await hub.one('page');
  await page.evaluate(() => addEventListener('pageshow', ({ persisted }) => (window.woke = persisted)));
  await tell(page, 'Slept', 1, 3);
  await page.goto(`${site.url}/other`);
  await page.evaluate(() => history.back());
  await until('the page woke', () => page.evaluate(() => window.woke).catch(() => false));
  await tell(page, 'Slept', 4, 6);
  await flush(page);
  await witness(router, 'Slept', 6);
  const [{ anonymousId }] = hub.named('page');
  await router.rows(
    `select count(*) as views, count(distinct context_session_id) as sessions from pages where anonymous_id = '${anonymousId}'`,
    [{ views: 2, sessions: 1 }],
  );
});

browserTest('refusals with 503, cut connections and lost answers', async ({ open, page, router, hub }) => {
  await open(QUIET);
  hub.faults.push({ status: 503 }, 'cut', 'lost', { status: 503 }, 'lost');
  await tell(page, 'Refused', 1, 10);
  await flush(page);
  await witness(router, 'Refused', 10);
  await until('an answer', () => bodies(hub, 200) === 3);
  // Stored twice without an answer, and once with one: the router saw the same events three times.
  assert.equal(hub.requests.length, 6);
});

browserTest(
  'a router that is killed in between and comes back',
  async ({ open, page, router, hub }) => {
    await open(QUIET);
    let told = 0;
    const some = async () => {
      await tell(page, 'Killed', told + 1, told + 5);
      told += 5;
      await flush(page);
    };
    for (let round = 0; round < 2; round++) {
      await some();
      await until('a batch was taken', () => bodies(hub, 200) > round);
      const before = bodies(hub, 0);
      // Nobody waits for the answers: what is under way may or may not have been stored.
      await some();
      await router.kill();
      await some();
      await until('a batch found no router', () => bodies(hub, 0) > before);
      await router.start();
    }
    await witness(router, 'Killed', told);
  },
  { router: '' },
);

browserTest(
  'a page that is left while the router is dead keeps its events for the next page',
  async ({ open, page, router, hub, site }) => {
    await open(QUIET);
    await router.kill();
    await tell(page, 'Left', 1, 4);
    await flush(page);
    await until('the batch found no router', () => bodies(hub, 0) > 0);
    await page.goto(`${site.url}/next`);
    await router.start();
    await page.goto(site.url);
    await witness(router, 'Left', 4);
  },
  { router: '' },
);
