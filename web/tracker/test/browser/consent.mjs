// Consent, from whichever side it is told.
import assert from 'node:assert/strict';
import { browserTest, freeze, html, QUIET, script, until } from './support.mjs';

const PAGES = { ...QUIET, autoTrackPageViews: true };
/** What the page keeps, when it has sent what it may. */
const kept = (page) =>
  page.evaluate(() => {
    window.opentrack.flush();
    return [...document.cookie.split('; ').map((pair) => pair.split('=')[0]), ...Object.keys(localStorage)]
      .filter((key) => key.startsWith('ot_'))
      .sort();
  });
const names = (hub) => hub.accepted().map(({ type, event }) => event ?? type);
/**
 * All that the page has ever sent, and a last event that is told when the visitor agrees to everything. Batches go one after
 * the other: when the last has arrived nothing is under way, and what waited for the visitor would have arrived with it.
 */
const everSent = async (page, hub) => {
  await page.evaluate(() => {
    window.opentrack.optIn();
    window.opentrack.track('Agreed');
    window.opentrack.flush();
  });
  await hub.one('Agreed');
  return names(hub);
};
const consent = (page, answer) => page.evaluate((given) => window.opentrack.consent(given), answer);
const gpc = () => Object.defineProperty(navigator, 'globalPrivacyControl', { value: true });
const preferences = (message) => message.context.consent?.categoryPreferences;

for (const privacy of [false, true]) {
  const prepare = (page) => privacy && page.addInitScript(gpc);
  const also = privacy ? ' under Global Privacy Control' : '';
  const advertising = (answer) =>
    privacy ? { advertising: false } : answer === undefined ? {} : { advertising: answer };

  browserTest(`without a question events go, and say no more than they know${also}`, async ({ open, page, hub }) => {
    await prepare(page);
    await open(PAGES);
    assert.deepEqual(preferences(await hub.one('page')), privacy ? advertising() : undefined);
  });

  browserTest(`what is granted is said${also}`, async ({ open, page, hub }) => {
    await prepare(page);
    await open({ ...PAGES, consent: 'opt-in' });
    await page.evaluate(() => window.opentrack.optIn());
    assert.deepEqual(preferences(await hub.one('page')), { analytics: true, storage: true, ...advertising(true) });
  });

  browserTest(`what waits for consent is sent with it${also}`, async ({ open, page, hub }) => {
    await prepare(page);
    await open({ ...PAGES, consent: 'opt-in' });
    const before = await kept(page);
    await consent(page, { analytics: true });
    const message = await hub.one('page');
    assert.deepEqual(
      [before, names(hub), preferences(message), message.context.cookieless],
      [[], ['page'], { analytics: true, ...advertising() }, true],
    );
  });

  browserTest(`what waits for consent is forgotten with a refusal${also}`, async ({ open, page, hub }) => {
    await prepare(page);
    await open({ ...PAGES, consent: 'opt-in' });
    await consent(page, { analytics: false });
    await page.evaluate(() => window.opentrack.track('Never Sent'));
    assert.deepEqual(await everSent(page, hub), ['Agreed']);
  });
}

browserTest('a refusal of storage deletes what is kept', async ({ open, page, hub }) => {
  await open(PAGES);
  await hub.one('page');
  // The queue goes when the page has its answer, a little after the router has the page.
  await until('the ids alone', async () => `${await kept(page)}` === 'ot_aid,ot_sid');
  await consent(page, { storage: false });
  assert.deepEqual(await kept(page), []);
});

browserTest('without storage events are marked for the cookieless id', async ({ open, page, hub, flush }) => {
  await open(QUIET);
  await consent(page, { storage: false });
  await page.evaluate(() => window.opentrack.track('Cookieless'));
  await flush();
  const message = await hub.one('Cookieless');
  assert.deepEqual([message.context.cookieless, preferences(message)], [true, { storage: false }]);
});

browserTest('a refusal while an event waits keeps no later one waiting', async ({ open, page, hub }) => {
  await freeze(page);
  await open(QUIET);
  await page.evaluate(() => window.opentrack.track('Forgotten'));
  await page.clock.runFor(100);
  await consent(page, { analytics: false });
  await page.clock.runFor(2100);
  await consent(page, { analytics: true });
  await page.evaluate(() => window.opentrack.track('Later'));
  await page.clock.runFor(2100);
  await hub.one('Later');
  assert.deepEqual(names(hub), ['Later']);
});

browserTest('a consent with storage is remembered on the next page', async ({ open, page, hub, site }) => {
  await open({ ...PAGES, consent: 'opt-in' });
  await page.evaluate(() => window.opentrack.optIn());
  await hub.one('page');
  await page.goto(`${site.url}/?again`);
  const [first, second] = await hub.some('page', 2);
  assert.equal(second.anonymousId, first.anonymousId);
});

browserTest('an opt-out is remembered and nothing else is', async ({ open, page, hub, site }) => {
  await open(PAGES);
  await hub.one('page');
  await page.evaluate(() => window.opentrack.optOut());
  await page.goto(`${site.url}/?again`);
  assert.deepEqual([await kept(page), await everSent(page, hub)], [['ot_optout'], ['page', 'Agreed']]);
});

browserTest('a hundred events are held for consent, and the oldest are dropped', async ({ open, page, hub }) => {
  await open({ ...QUIET, consent: 'opt-in' });
  await page.evaluate(() => {
    for (let i = 0; i < 105; i++) window.opentrack.track('Held', { i });
    window.opentrack.optIn();
    window.opentrack.flush();
  });
  const held = await hub.some('Held', 100);
  assert.deepEqual([held.length, held[0].properties.i, held[0].context.dropped], [100, 5, 5]);
});

const gtag = (...calls) => `<script>
  window.dataLayer = window.dataLayer || [];
  function gtag() { dataLayer.push(arguments) }
  ${calls.map((call) => `gtag('consent', ${call});`).join('\n')}
</script>`;
const DENIED = `'default', { analytics_storage: 'denied', ad_storage: 'denied' }`;

browserTest("gtag's denied default is waited out", async ({ site, page, hub }) => {
  site.pages.set('/', html(gtag(DENIED) + script(hub, PAGES)));
  await page.goto(site.url);
  const before = await kept(page);
  await page.evaluate(() => window.dataLayer.push(['consent', 'update', { analytics_storage: 'granted' }]));
  const message = await hub.one('page');
  assert.deepEqual(
    [before, names(hub), preferences(message)],
    [[], ['page'], { analytics: true, storage: true, advertising: false }],
  );
});

browserTest("gtag's refusal forgets what waited", async ({ site, page, hub }) => {
  site.pages.set('/', html(gtag(DENIED) + script(hub, PAGES)));
  await page.goto(site.url);
  await page.evaluate(() => window.dataLayer.push(['consent', 'update', { analytics_storage: 'denied' }]));
  assert.deepEqual(await everSent(page, hub), ['Agreed']);
});

const tcf = (data) => `<script>
  window.__tcfapi = (command, version, listener) => { window.tell = (data) => listener(data, true); tell(${JSON.stringify(data)}) };
</script>`;

/** What TCF says of a visitor who has consented to these purposes. */
const purposes = (eventStatus, ...consented) => ({
  gdprApplies: true,
  eventStatus,
  purpose: { consents: Object.fromEntries(consented.map((purpose) => [purpose, true])) },
});

for (const [one, other, answer] of [
  [1, 7, { storage: true, analytics: true, advertising: false }],
  [4, 8, { storage: false, analytics: true, advertising: true }],
]) {
  browserTest(`TCF is asked, and its purposes ${one} and ${other} are heard`, async ({ site, page, hub }) => {
    site.pages.set('/', html(tcf(purposes('cmpuishown')) + script(hub, PAGES)));
    await page.goto(site.url);
    await page.evaluate((told) => window.tell(told), purposes('useractioncomplete', one, other));
    await hub.one('page');
    assert.deepEqual(hub.accepted().map(preferences), [answer]);
  });
}

browserTest('TCF without measurement is a refusal', async ({ site, page, hub }) => {
  const others = purposes('tcloaded', 1, 2, 3, 4, 5, 6, 9, 10, 11);
  site.pages.set('/', html(tcf(others) + script(hub, PAGES)));
  await page.goto(site.url);
  assert.deepEqual(await everSent(page, hub), ['Agreed']);
});

browserTest('TCF where the law does not apply changes nothing', async ({ site, page, hub }) => {
  site.pages.set('/', html(tcf({ gdprApplies: false }) + script(hub, PAGES)));
  await page.goto(site.url);
  assert.equal((await hub.one('page')).type, 'page');
});

const dnt = () => Object.defineProperty(navigator, 'doNotTrack', { value: '1' });

browserTest('Do Not Track is a refusal where the page respects it', async ({ open, page, hub }) => {
  await page.addInitScript(dnt);
  await open({ ...PAGES, respectDNT: true });
  assert.deepEqual([await kept(page), await everSent(page, hub)], [[], ['Agreed']]);
});

browserTest('Do Not Track is no refusal by default', async ({ open, page, hub }) => {
  await page.addInitScript(dnt);
  await open(PAGES);
  assert.equal((await hub.one('page')).type, 'page');
});

browserTest('a robot is not tracked in production', async ({ open, page, hub }) => {
  await open({ ...PAGES, environment: 'production' });
  await page.evaluate(() => Object.defineProperty(navigator, 'webdriver', { value: false }));
  assert.deepEqual(await everSent(page, hub), ['Agreed']);
});

browserTest('a robot is tracked in production where the page wants that', async ({ open, hub }) => {
  await open({ ...PAGES, environment: 'production', allowBots: true });
  assert.equal((await hub.one('page')).type, 'page');
});
