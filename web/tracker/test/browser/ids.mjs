// Who the visitor is, which session it is, and the calls that say so.
import assert from 'node:assert/strict';
import { browserTest, html, QUIET, script } from './support.mjs';

const PAGES = { ...QUIET, autoTrackPageViews: true };
const say = (page, name) =>
  page.evaluate((event) => {
    window.opentrack.track(event);
    window.opentrack.flush();
  }, name);

browserTest('the visitor and the session stay over pages', async ({ open, page, hub, site }) => {
  await open(PAGES);
  await hub.one('page');
  await page.goto(`${site.url}/?again`);
  const [first, second] = await hub.some('page', 2);
  assert.deepEqual(
    [second.anonymousId, second.context.sessionId, second.context.sessionNumber],
    [first.anonymousId, first.context.sessionId, 1],
  );
});

browserTest('ids are kept in lax first-party cookies of 395 days', async ({ open, hub, context }) => {
  await open(PAGES);
  await hub.one('page');
  const cookies = await context.cookies();
  const days = cookies.map(({ name, sameSite, expires }) => [
    name,
    sameSite,
    Math.round((expires - Date.now() / 1000) / 86_400),
  ]);
  assert.deepEqual(days.sort(), [
    ['ot_aid', 'Lax', 395],
    ['ot_sid', 'Lax', 395],
  ]);
});

/** The site under a name of its own. */
const shop = (site) => `http://www.shop.example:${site.port}`;

for (const [which, options, expected] of [
  ['the domain of the whole site', {}, '.shop.example'],
  ['the domain that the page wants', { cookieDomain: 'www.shop.example' }, '.www.shop.example'],
]) {
  browserTest(`cookies have ${which}`, async ({ site, page, hub, context }) => {
    site.pages.set('/', html(script(hub, { ...PAGES, ...options })));
    await page.goto(shop(site));
    await hub.one('page');
    const kept = (await context.cookies()).map(({ name, domain }) => [name, domain]).sort();
    assert.deepEqual(kept, [
      ['ot_aid', expected],
      ['ot_sid', expected],
    ]);
  });
}

browserTest('localStorage holds the ids where the browser refuses the domain', async ({ site, page, hub, context }) => {
  site.pages.set('/', html(script(hub, { ...PAGES, cookieDomain: 'other.example' })));
  await page.goto(shop(site));
  const { anonymousId } = await hub.one('page');
  const kept = await page.evaluate(() => localStorage.getItem('ot_aid'));
  assert.deepEqual([kept, await context.cookies()], [anonymousId, []]);
});

browserTest('a refusal at the start deletes what the whole site kept', async ({ site, page, hub, context }) => {
  const tag = script(hub, PAGES);
  site.pages.set('/', html(tag));
  await page.goto(shop(site));
  await hub.one('page');
  const before = (await context.cookies()).length;
  site.pages.set('/refused', html(`<script>dataLayer = [['consent', { storage: false }]]</script>${tag}`));
  await page.goto(`${shop(site)}/refused`);
  await hub.some('page', 2);
  assert.deepEqual([before, await context.cookies()], [2, []]);
});

browserTest('localStorage holds the ids where cookies do not', async ({ open, page, hub, site }) => {
  await page.addInitScript(() => Object.defineProperty(document, 'cookie', { get: () => '', set() {} }));
  await open(PAGES);
  await hub.one('page');
  await page.goto(`${site.url}/?again`);
  const [first, second] = await hub.some('page', 2);
  assert.equal(second.anonymousId, first.anonymousId);
});

browserTest('localStorage holds the ids where the page wants that', async ({ open, page, hub, context }) => {
  await open({ ...PAGES, persistence: 'localStorage' });
  const { anonymousId } = await hub.one('page');
  const kept = await page.evaluate(() => localStorage.getItem('ot_aid'));
  assert.deepEqual([kept, (await context.cookies()).length], [anonymousId, 0]);
});

browserTest('memory holds the ids where the page wants that', async ({ open, page, hub, context }) => {
  await open({ ...PAGES, persistence: 'memory' });
  await hub.one('page');
  const kept = await page.evaluate(() => Object.keys(localStorage).length);
  assert.deepEqual([kept, (await context.cookies()).length], [0, 0]);
});

browserTest('the id is left to the router where it owns it', async ({ open, page, hub, context }) => {
  await open({ ...QUIET, cookieHttpOnly: true });
  hub.faults.push({ status: 400 });
  const asked = page.waitForRequest('**/v1/batch');
  await say(page, 'Whose');
  const [message] = JSON.parse((await asked).postData()).batch;
  assert.deepEqual(
    [message.anonymousId, (await context.cookies()).some(({ name }) => name === 'ot_aid')],
    [undefined, false],
  );
});

browserTest('half an hour of silence ends a session', async ({ open, page, hub }) => {
  await page.clock.install();
  await open(PAGES);
  await hub.one('page');
  await page.clock.fastForward('30:01');
  await say(page, 'Back again');
  const { context } = await hub.one('Back again');
  assert.equal(context.sessionNumber, 2);
});

browserTest('exactly half an hour does not end a session', async ({ open, page, hub }) => {
  await page.clock.install();
  await page.clock.pauseAt(Date.now() + 60_000);
  await open(PAGES);
  await page.clock.runFor(1);
  await hub.one('page');
  await page.clock.runFor(30 * 60_000 - 1);
  await say(page, 'Still here');
  assert.equal((await hub.one('Still here')).context.sessionNumber, 1);
});

browserTest('another campaign begins another session', async ({ open, page, hub, site }) => {
  await open(PAGES, '', '/?utm_source=news');
  await hub.one('page');
  await page.goto(`${site.url}/?utm_source=ads`);
  await hub.some('page', 2);
  assert.deepEqual(
    hub.named('page').map(({ context }) => context.sessionNumber),
    [1, 2],
  );
});

browserTest('the same campaign again stays in its session', async ({ open, page, hub, site }) => {
  await open(PAGES, '', '/?utm_source=news');
  await hub.one('page');
  await page.goto(`${site.url}/?utm_source=news&x=1`);
  await hub.some('page', 2);
  assert.deepEqual(
    hub.named('page').map(({ context }) => context.sessionNumber),
    [1, 1],
  );
});

browserTest('a person who was identified stays so over pages', async ({ open, page, hub, site }) => {
  await open(QUIET);
  await page.evaluate(() => window.opentrack.identify('u1', { plan: 'gold' }));
  await hub.one('identify');
  await page.goto(`${site.url}/?again`);
  await say(page, 'Known');
  const { userId } = await hub.one('Known');
  const traits = await page.evaluate(() => window.opentrack.user().traits());
  assert.deepEqual([userId, traits], ['u1', { plan: 'gold' }]);
});

browserTest('a reset makes a new visitor and a new session', async ({ open, page, hub }) => {
  await open(QUIET);
  await page.evaluate(() => {
    window.opentrack.identify('u1');
    window.opentrack.track('Before');
    window.opentrack.reset();
    window.opentrack.track('After');
    window.opentrack.flush();
  });
  await hub.one('After');
  const [before] = hub.named('Before');
  const [now] = hub.named('After');
  assert.deepEqual(
    [
      now.anonymousId !== before.anonymousId,
      now.context.sessionId !== before.context.sessionId,
      before.userId,
      now.userId,
    ],
    [true, true, 'u1', undefined],
  );
});

browserTest('group, alias and screen are calls of their own', async ({ open, page, hub }) => {
  await open(QUIET);
  const mine = await page.evaluate(() => {
    window.opentrack.group('g1', { name: 'Acme' });
    window.opentrack.screen('Home');
    window.opentrack.alias('u2');
    window.opentrack.flush();
    return window.opentrack.user().anonymousId();
  });
  await hub.one('alias');
  const said = hub
    .accepted()
    .map(({ type, groupId, name, userId, previousId }) => [type, groupId ?? name ?? userId, previousId]);
  assert.deepEqual(said, [
    ['group', 'g1', undefined],
    ['screen', 'Home', undefined],
    ['alias', 'u2', mine],
  ]);
});

browserTest('commerce helpers have the names of Segment', async ({ open, page, hub }) => {
  await open(QUIET);
  await page.evaluate(() => {
    window.opentrack.productAddedToWishlist({ product_id: 'p1' });
    window.opentrack.orderCompleted({ order_id: 'o1', revenue: 9.5 });
    window.opentrack.flush();
  });
  await hub.one('Order Completed');
  assert.deepEqual(
    hub.accepted().map(({ event }) => event),
    ['Product Added to Wishlist', 'Order Completed'],
  );
});

browserTest('a call takes context, integrations, time and id, and calls back', async ({ open, page, hub }) => {
  await open(QUIET);
  const called = await page.evaluate(
    () =>
      new Promise((done) => {
        const options = {
          context: { ab: 'b' },
          integrations: { All: false },
          timestamp: '2026-01-02T03:04:05Z',
          messageId: 'mine-1',
        };
        window.opentrack.track('Optional', {}, options, () => done(true));
        window.opentrack.flush();
      }),
  );
  const { context, integrations, timestamp, messageId } = await hub.one('Optional');
  assert.deepEqual(
    [called, context.ab, integrations, timestamp, messageId],
    [true, 'b', { All: false }, '2026-01-02T03:04:05Z', 'mine-1'],
  );
});

browserTest('ready calls back, and on hears of every call', async ({ open, page }) => {
  await open(QUIET);
  const heard = await page.evaluate(
    () =>
      new Promise((done) => {
        window.opentrack.on('track', (event) => done(event));
        window.opentrack.ready(() => window.opentrack.track('Heard'));
      }),
  );
  assert.equal(heard, 'Heard');
});

browserTest(
  'every event says where and with what it was made',
  async ({ open, hub }) => {
    await open({ ...PAGES, environment: 'staging' });
    const { messageId, context } = await hub.one('page');
    const said = [
      context.environment,
      context.library.name,
      context.locale,
      context.timezone,
      typeof context.screen.width,
    ];
    assert.deepEqual(
      [said, messageId.startsWith('ot-'), context.userAgent.includes('Chrome')],
      [['staging', 'opentrack.js', 'de-DE', 'Europe/Berlin', 'number'], true, true],
    );
  },
  { context: { locale: 'de-DE', timezoneId: 'Europe/Berlin' } },
);

browserTest('the environment is development unless it is told', async ({ open, hub }) => {
  await open(PAGES);
  assert.equal((await hub.one('page')).context.environment, 'development');
});
