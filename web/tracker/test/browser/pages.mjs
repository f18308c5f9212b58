// Page views: when there is one, and what it says.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { browserTest, freeze, home, html, QUIET, script, until } from './support.mjs';

const PAGES = { ...QUIET, autoTrackPageViews: true };
const paths = (hub) => hub.named('page').map(({ properties }) => properties.path);
/** Removes the Navigation API, as in browsers without it. */
const without = () => delete window.navigation || Object.defineProperty(window, 'navigation', { value: undefined });

browserTest('a page view is sent at once', async ({ open, page, hub, site }) => {
  await freeze(page);
  await open(PAGES);
  await page.clock.runFor(100);
  const { path, referrer, search, title, url } = (await hub.one('page')).properties;
  assert.deepEqual(
    { path, referrer, search, title, url },
    { path: '/', referrer: '', search: '', title: 'Shop', url: `${site.url}/` },
  );
});

browserTest('no page view is sent where that is switched off', async ({ open, page, hub, settled }) => {
  await open(QUIET);
  await page.evaluate(() => history.pushState(null, '', '/next'));
  await settled();
  assert.deepEqual(paths(hub), []);
});

browserTest('pageView of the data layer is a page call with the given address', async ({ open, page, hub }) => {
  await open(QUIET);
  await page.evaluate(() => window.track('pageView', { title: 'Cart', url: '/cart?a=1' }));
  const { path, search, title } = (await hub.one('page')).properties;
  assert.deepEqual({ path, search, title }, { path: '/cart', search: '?a=1', title: 'Cart' });
});

browserTest(
  'a view told by the page and by the tracker is one, with what the page says',
  async ({ site, hub, page }) => {
    const own = `<script>
    dataLayer = [];
    function track() { dataLayer.push(arguments) }
    track('config', 'web', ${JSON.stringify(PAGES)});
    track('pageView', { title: 'My title', url: location.href, plan: 'gold' });
  </script>`;
    site.pages.set('/', html(own + `<script async src="${hub.url}/tracker.core.js"></script>`));
    await page.goto(site.url);
    await hub.one('page');
    await page.evaluate(() => history.pushState(null, '', '/next'));
    await hub.some('page', 2);
    const first = hub.named('page').filter(({ properties }) => properties.path === '/');
    assert.deepEqual(
      first.map(({ properties }) => [properties.title, properties.plan]),
      [['My title', 'gold']],
    );
  },
);

browserTest('a view told once more a moment later is the same view', async ({ open, page, hub, settled }) => {
  await open(PAGES);
  await hub.one('page');
  await page.evaluate(() => window.track('pageView', { title: document.title, url: location.href }));
  await settled();
  assert.equal(hub.named('page').length, 1);
});

browserTest('a named page keeps its category and name', async ({ open, page, hub }) => {
  await open(QUIET);
  await page.evaluate(() => window.opentrack.page('Docs', 'Start', { a: 1 }));
  const { category, name, properties } = await hub.one('page');
  assert.deepEqual([category, name, properties.a], ['Docs', 'Start', 1]);
});

for (const [how, prepare] of [
  ['with the Navigation API', () => {}],
  ['without the Navigation API', without],
]) {
  browserTest(`pushState is a view ${how}`, async ({ open, page, hub }) => {
    await page.addInitScript(prepare);
    await open(PAGES);
    await page.evaluate(() => history.pushState(null, '', '/next'));
    await hub.some('page', 2);
    assert.deepEqual(paths(hub), ['/', '/next']);
  });

  browserTest(`replaceState to another path is a view ${how}`, async ({ open, page, hub }) => {
    await page.addInitScript(prepare);
    await open(PAGES);
    await page.evaluate(() => history.replaceState(null, '', '/other'));
    await hub.some('page', 2);
    assert.deepEqual(paths(hub), ['/', '/other']);
  });

  browserTest(`going back is a view ${how}`, async ({ open, page, hub }) => {
    await page.addInitScript(prepare);
    await open(PAGES);
    await page.evaluate(() => history.pushState(null, '', '/next'));
    await hub.some('page', 2);
    await page.evaluate(() => history.back());
    await hub.some('page', 3);
    assert.deepEqual(paths(hub), ['/', '/next', '/']);
  });

  browserTest(`a fragment is a view where it counts ${how}`, async ({ open, page, hub }) => {
    await page.addInitScript(prepare);
    await open({ ...PAGES, hash: true });
    await page.evaluate(() => (location.hash = 'a'));
    await hub.some('page', 2);
    assert.match(hub.named('page')[1].properties.url, /#a$/);
  });

  browserTest(`a fragment is no view by default ${how}`, async ({ open, page, hub, settled }) => {
    await page.addInitScript(prepare);
    await open(PAGES);
    await page.evaluate(() => (location.hash = 'a'));
    await settled();
    assert.deepEqual(paths(hub), ['/']);
  });
}

browserTest('another query by replaceState is no view', async ({ open, page, hub, settled }) => {
  await open(PAGES);
  await page.evaluate(() => history.replaceState(null, '', '/?filter=red'));
  await settled();
  assert.deepEqual(paths(hub), ['/']);
});

browserTest('another query by replaceState is a view where queries count', async ({ open, page, hub }) => {
  await open({ ...PAGES, countQuery: true });
  await page.evaluate(() => history.replaceState(null, '', '/?filter=red'));
  await hub.some('page', 2);
  assert.equal(hub.named('page')[1].properties.search, '?filter=red');
});

browserTest('pushState to the same address is no view', async ({ open, page, hub, settled }) => {
  await open(PAGES);
  await page.evaluate(() => history.pushState({ step: 2 }, '', location.href));
  await settled();
  assert.deepEqual(paths(hub), ['/']);
});

browserTest('the title is the one that is set after the route changed', async ({ open, page, hub }) => {
  await open(PAGES);
  await page.evaluate(() => {
    history.pushState(null, '', '/next');
    document.title = 'Next';
  });
  await hub.some('page', 2);
  assert.equal(hub.named('page')[1].properties.title, 'Next');
});

browserTest('the referrer of a virtual page is the one before it', async ({ open, page, hub, site }) => {
  await open(PAGES);
  await page.evaluate(() => history.pushState(null, '', '/next'));
  await hub.some('page', 2);
  assert.equal(hub.named('page')[1].properties.referrer, `${site.url}/`);
});

browserTest(
  'a page from the back-forward cache is a new view of the same session',
  async ({ open, page, hub, site }) => {
    await open(PAGES);
    await hub.one('page');
    await page.goto(`${site.url}/other`);
    await page.evaluate(() => history.back());
    const [first, second] = await hub.some('page', 2);
    assert.deepEqual(
      [second.properties.path, second.context.pageViewId === first.context.pageViewId, second.context.sessionId],
      ['/', false, first.context.sessionId],
    );
  },
);

browserTest('nothing is sent while a page is prerendered', async ({ page, hub, open }) => {
  await page.addInitScript(() => Object.defineProperty(document, 'prerendering', { value: true, configurable: true }));
  await open(PAGES);
  const before = await page.evaluate(() => document.cookie);
  await page.evaluate(() => {
    Object.defineProperty(document, 'prerendering', { value: false });
    document.dispatchEvent(new Event('prerenderingchange'));
  });
  await hub.one('page');
  assert.equal(before, '');
});

browserTest('every event carries the view that it happened on', async ({ open, page, hub }) => {
  await open(PAGES);
  await page.evaluate(() => {
    window.opentrack.track('On the first');
    history.pushState(null, '', '/next');
  });
  await hub.some('page', 2);
  await page.evaluate(() => {
    window.opentrack.track('On the second');
    window.opentrack.flush();
  });
  await hub.one('On the second');
  const of = (name) => hub.named(name).map(({ context }) => context.page.path);
  assert.deepEqual([of('On the first'), of('On the second')], [['/'], ['/next']]);
});

browserTest('campaign and click ids are read from the address', async ({ open, hub }) => {
  await open(PAGES, '', '/?utm_source=news&utm_campaign=spring&gclid=g1');
  const { campaign, clickIds } = (await hub.one('page')).context;
  assert.deepEqual({ campaign, clickIds }, { campaign: { source: 'news', name: 'spring' }, clickIds: { gclid: 'g1' } });
});

const ENGAGED = { ...PAGES, autoTrackEngagement: true };
/** Waits for the first event of this name while the page's time goes on. */
const seen = (page, hub, name) =>
  until(name, async () => {
    await page.clock.runFor(100);
    return hub.named(name)[0];
  });
/** The end of a page whose time stands still. */
const ended = async (page, hub) => {
  await page.evaluate(() => window.opentrack.track('The End'));
  await seen(page, hub, 'The End');
};
const leave = (page) => page.evaluate(() => history.pushState(null, '', '/next'));

browserTest('engaged time belongs to the page that was looked at', async ({ open, page, hub }) => {
  await freeze(page);
  await open(ENGAGED);
  await page.clock.runFor(5000);
  await leave(page);
  const engaged = await seen(page, hub, 'Page Engaged');
  assert.deepEqual([engaged.context.page.path, engaged.properties.engaged_ms], ['/', 5000]);
});

browserTest('the clock of engagement stands still without the focus', async ({ open, page, hub }) => {
  await freeze(page);
  await open(ENGAGED);
  await page.clock.runFor(2000);
  await page.evaluate(() => {
    document.hasFocus = () => false;
    window.dispatchEvent(new Event('blur'));
  });
  await page.clock.runFor(60_000);
  await leave(page);
  assert.equal((await seen(page, hub, 'Page Engaged')).properties.engaged_ms, 2000);
});

browserTest('a tab that was never seen has no engagement', async ({ open, page, hub }) => {
  await page.addInitScript(() => Object.defineProperty(document, 'hidden', { value: true }));
  await freeze(page);
  await open(ENGAGED);
  await page.clock.runFor(60_000);
  await leave(page);
  await ended(page, hub);
  assert.deepEqual(hub.named('Page Engaged'), []);
});

browserTest('a page that needs no scrolling was seen whole', async ({ open, page, hub }) => {
  await freeze(page);
  await open(ENGAGED);
  await leave(page);
  assert.equal((await seen(page, hub, 'Page Engaged')).properties.scroll_depth, 100);
});

/** Scrolls until this line (px) is the first one or the last one that is seen; ends when the page has heard of it. */
const scrollTo = (page, line) =>
  page.evaluate(
    (y) =>
      new Promise((done) => {
        window.addEventListener('scroll', () => done(), { once: true });
        window.scrollTo(0, y && y - window.innerHeight);
      }),
    line,
  );

browserTest('scrolling is measured', async ({ open, page, hub }) => {
  await freeze(page);
  await open(ENGAGED, '<body style="margin:0"><div style="height:10000px"></div>');
  // Back at the top when it is left, or the last look alone would find the depth.
  await scrollTo(page, 5000);
  await scrollTo(page, 0);
  await leave(page);
  assert.equal((await seen(page, hub, 'Page Engaged')).properties.scroll_depth, 50);
});

browserTest('engagement is not measured where that is switched off', async ({ open, page, hub }) => {
  await freeze(page);
  await open(PAGES);
  await page.clock.runFor(5000);
  await leave(page);
  await ended(page, hub);
  assert.deepEqual(hub.named('Page Engaged'), []);
});

/** Waits until the browser has found the largest thing of the page. */
const painted = (page) =>
  page.evaluate(() =>
    new Promise((done) =>
      new PerformanceObserver(done).observe({ type: 'largest-contentful-paint', buffered: true }),
    ).then(() => undefined),
  );

browserTest('web vitals of a page arrive when it is left', async ({ open, page, hub, site }) => {
  await open({ ...PAGES, sampleVitals: 1 }, '<h1>Hello</h1><button>Press</button>', '/', 'tracker.js');
  await painted(page);
  await page.click('button');
  await page.goto(`${site.url}/other`);
  await hub.some('Web Vital', 4);
  const names = hub.named('Web Vital').map(({ properties }) => properties.name);
  for (const name of ['CLS', 'FCP', 'LCP', 'TTFB']) assert.ok(names.includes(name), `${name} of ${names}`);
});

/** Resolves when the browser has told of this kind of entry. */
const told = (page, type) =>
  page.evaluate(
    (kind) => new Promise((done) => new PerformanceObserver(() => done()).observe({ type: kind, buffered: true })),
    type,
  );

/** A click of a real pointer that the page works on for that long (ms); ends when the browser has told of it. */
async function slowClick(page, took) {
  await page.evaluate((work) => {
    window.interacted = new Promise((done) =>
      new PerformanceObserver(
        (list) => list.getEntries().some(({ interactionId, duration }) => interactionId && duration >= work) && done(),
      ).observe({ type: 'event', buffered: true, durationThreshold: 16 }),
    );
    document.querySelector('button').addEventListener('click', ({ target }) => {
      const end = performance.now() + work;
      while (performance.now() < end);
      // An interaction ends with what is painted.
      target.textContent = 'Done';
    });
  }, took);
  await page.click('button');
  // The library looks at it when the page has nothing else to do, or after a second; whoever asks later is served later.
  await page.evaluate(() =>
    window.interacted.then(() => new Promise((done) => requestIdleCallback(() => done(), { timeout: 1000 }))),
  );
}

browserTest('a slow interaction is the INP of its page', async ({ open, page, hub, site, router }) => {
  const from = Date.now();
  await open({ ...QUIET, sampleVitals: 1 }, '<h1>Hello</h1><button>Press</button>');
  await slowClick(page, 300);
  await page.goto(`${site.url}/other`);
  const inp = await until('INP', () => hub.named('Web Vital').find(({ properties }) => properties.name === 'INP'));
  const { value, rating } = inp.properties;
  // Told in steps of 8 ms, and no longer than the page was there.
  assert.ok(value >= 296 && value <= Date.now() - from, `${value}`);
  assert.equal(rating, value > 500 ? 'poor' : 'needs-improvement');
  await router.rows(`select value, rating from web_vital where id = '${inp.messageId}'`, [{ value, rating }]);
});

browserTest('web vitals are those that the whole library measures', async ({ page, hub, site }) => {
  const whole = readFileSync(join(home, 'node_modules/web-vitals/dist/web-vitals.iife.js'), 'utf8');
  site.pages.set('/library.js', whole);
  const ask = `<script src="/library.js"></script><script>
    vitals = {};
    for (const name of ['CLS', 'FCP', 'LCP', 'TTFB'])
      webVitals['on' + name](({ value, rating, navigationType }) => (vitals[name] = [value, rating, navigationType]));
  </script>`;
  site.pages.set('/', html(ask + script(hub, { ...QUIET, sampleVitals: 1 }), '<h1>Hello</h1><button>Press</button>'));
  await page.goto(site.url);
  await painted(page);
  await page.evaluate(() =>
    document.body.prepend(Object.assign(document.createElement('p'), { textContent: 'Shift' })),
  );
  await told(page, 'layout-shift');
  await page.click('button');
  await page.evaluate(() => {
    Object.defineProperty(document, 'visibilityState', { value: 'hidden' });
    Object.defineProperty(document, 'hidden', { value: true });
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));
  });
  // When the browser tells of an interaction is its own affair, so INP is left out.
  const names = ['CLS', 'FCP', 'LCP', 'TTFB'];
  const of = (name) => hub.named('Web Vital').find(({ properties }) => properties.name === name)?.properties;
  await until('four vitals', () => names.every(of));
  const measured = names.map((name) => [of(name).value, of(name).rating, of(name).navigationType]);
  const library = await page.evaluate((known) => known.map((name) => window.vitals[name]), names);
  assert.deepEqual(measured, library);
});

browserTest('web vitals are not measured where the sample is empty', async ({ open, page, hub, site }) => {
  await open({ ...PAGES, sampleVitals: 0 }, '<h1>Hello</h1>', '/', 'tracker.js');
  await page.evaluate(() => window.opentrack.track('Before leaving'));
  await page.goto(`${site.url}/other`);
  await hub.one('Before leaving');
  assert.deepEqual(hub.named('Web Vital'), []);
});

browserTest('the larger tracker says what caused a vital', async ({ open, page, hub, site }) => {
  await open({ ...PAGES, sampleVitals: 1 }, '<h1>Hello</h1>', '/', 'tracker.attr.js');
  await painted(page);
  await page.goto(`${site.url}/other`);
  await until('LCP', () => hub.named('Web Vital').some(({ properties }) => properties.name === 'LCP'));
  const lcp = hub.named('Web Vital').find(({ properties }) => properties.name === 'LCP');
  assert.equal(lcp.properties.attribution.target, 'html>body>h1');
});
