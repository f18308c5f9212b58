// Consent, from whichever side it is told.
import assert from 'node:assert/strict';
import { browserTest, html, QUIET, script, until } from './support.mjs';

const PAGES = { ...QUIET, autoTrackPageViews: true };
const kept = (page) =>
  page.evaluate(() =>
    [...document.cookie.split('; ').map((pair) => pair.split('=')[0]), ...Object.keys(localStorage)]
      .filter((key) => key.startsWith('ot_'))
      .sort(),
  );
/** Whether the page is still silent after a task and what it may have started. */
const silent = async (page, hub) => {
  await page.evaluate(() => new Promise((next) => setTimeout(next, 0)));
  await page.evaluate(() => window.opentrack.flush());
  return hub.requests.length === 0;
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
    const before = [await silent(page, hub), await kept(page)];
    await consent(page, { analytics: true });
    const message = await hub.one('page');
    assert.deepEqual(
      [before, preferences(message), message.context.cookieless],
      [[true, []], { analytics: true, ...advertising() }, true],
    );
  });

  browserTest(`what waits for consent is forgotten with a refusal${also}`, async ({ open, page, hub }) => {
    await prepare(page);
    await open({ ...PAGES, consent: 'opt-in' });
    await consent(page, { analytics: false });
    assert.ok(await silent(page, hub));
    await page.evaluate(() => window.opentrack.track('Never Sent'));
    await consent(page, { analytics: true });
    await page.evaluate(() => window.opentrack.track('Later'));
    await page.evaluate(() => window.opentrack.flush());
    await hub.one('Later');
    assert.deepEqual(
      hub.accepted().map(({ type, event }) => event ?? type),
      ['Later'],
    );
  });
}

browserTest('a refusal of storage deletes what is kept', async ({ open, page, hub }) => {
  await open(PAGES);
  await hub.one('page');
  const before = await kept(page);
  await consent(page, { storage: false });
  assert.deepEqual([before, await kept(page)], [['ot_aid', 'ot_sid'], []]);
});

browserTest('without storage events are marked for the cookieless id', async ({ open, page, hub, flush }) => {
  await open(QUIET);
  await consent(page, { storage: false });
  await page.evaluate(() => window.opentrack.track('Cookieless'));
  await flush();
  const message = await hub.one('Cookieless');
  assert.deepEqual([message.context.cookieless, preferences(message)], [true, { storage: false }]);
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
  await page.evaluate(() => window.opentrack.flush());
  assert.deepEqual([hub.requests.length, await kept(page)], [1, ['ot_optout']]);
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
  const before = [await silent(page, hub), await kept(page)];
  await page.evaluate(() => window.dataLayer.push(['consent', 'update', { analytics_storage: 'granted' }]));
  const message = await hub.one('page');
  assert.deepEqual(
    [before, preferences(message)],
    [[true, []], { analytics: true, storage: true, advertising: false }],
  );
});

browserTest("gtag's refusal forgets what waited", async ({ site, page, hub }) => {
  site.pages.set('/', html(gtag(DENIED) + script(hub, PAGES)));
  await page.goto(site.url);
  await page.evaluate(() => window.dataLayer.push(['consent', 'update', { analytics_storage: 'denied' }]));
  assert.ok(await silent(page, hub));
});

const tcf = (data) => `<script>
  window.__tcfapi = (command, version, listener) => { window.tell = (data) => listener(data, true); tell(${JSON.stringify(data)}) };
</script>`;

browserTest('TCF is asked, and its purposes are heard', async ({ site, page, hub }) => {
  site.pages.set('/', html(tcf({ gdprApplies: true, eventStatus: 'cmpuishown' }) + script(hub, PAGES)));
  await page.goto(site.url);
  const before = await silent(page, hub);
  await page.evaluate(() =>
    window.tell({ gdprApplies: true, eventStatus: 'useractioncomplete', purpose: { consents: { 1: true, 8: true } } }),
  );
  assert.deepEqual(
    [before, preferences(await hub.one('page'))],
    [true, { storage: true, analytics: true, advertising: false }],
  );
});

browserTest('TCF without measurement is a refusal', async ({ site, page, hub }) => {
  const refused = { gdprApplies: true, eventStatus: 'tcloaded', purpose: { consents: { 1: true } } };
  site.pages.set('/', html(tcf(refused) + script(hub, PAGES)));
  await page.goto(site.url);
  assert.ok(await silent(page, hub));
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
  assert.deepEqual([await silent(page, hub), await kept(page)], [true, []]);
});

browserTest('Do Not Track is no refusal by default', async ({ open, page, hub }) => {
  await page.addInitScript(dnt);
  await open(PAGES);
  assert.equal((await hub.one('page')).type, 'page');
});

browserTest('a robot is not tracked in production', async ({ open, page, hub }) => {
  await open({ ...PAGES, environment: 'production' });
  assert.ok(await silent(page, hub));
});

browserTest('a robot is tracked in production where the page wants that', async ({ open, hub }) => {
  await open({ ...PAGES, environment: 'production', allowBots: true });
  await until('the page', () => hub.named('page').length);
  assert.equal(hub.named('page').length, 1);
});
