// The router as its own first party: it serves the script, takes what that sends, owns the cookie. Nothing stands between
// browser and router here, and what arrived is what the warehouse has.
import assert from 'node:assert/strict';
import { browserTest, html, QUIET, until } from './support.mjs';

const PAGES = { ...QUIET, autoTrackPageViews: true };
/** The site, and the router on a host of the same site. */
const shop = (site) => `http://www.shop.example:${site.port}`;
const events = (router) => `http://events.shop.example:${router.port}`;
/** The router on a host of somebody else's. */
const foreign = (router) => `http://t.partner.example:${router.port}`;

const tag = (src, options, more = '') =>
  `<script src="${src}" data-write-key="web" data-options='${JSON.stringify(options)}' ${more}></script>`;

/** Loads a page of the shop with the tracker of the router, and returns the visitor's id as the page has it. */
async function visit({ site, page, router }, options, path = '/', src = `${events(router)}/tracker.js`) {
  site.pages.set('/', html(tag(src, options)));
  await page.goto(shop(site) + path);
  return page.evaluate(() => window.opentrack.user().anonymousId());
}
const tell = (page, event, properties) =>
  page.evaluate(
    ([name, given]) => {
      window.opentrack.track(name, given);
      window.opentrack.flush();
    },
    [event, properties],
  );
/** Loads a page of another site than the shop's. */
const elsewhere = async ({ site, page, router }, options, src = `${events(router)}/tracker.js`) => {
  site.pages.set('/', html(tag(src, options)));
  await page.goto(`http://www.other.example:${site.port}`);
};
const cookie = async (context) => (await context.cookies()).find(({ name }) => name === 'ot_aid');
const days = ({ expires }) => Math.round((expires - Date.now() / 1000) / 86_400);

for (const path of ['/v1/batch', '/collect/batch']) {
  browserTest(`the router's own script sends to ${path}, and the view is a row`, async (tools) => {
    const query = `?${path.length}`;
    const visitor = await visit(tools, { ...PAGES, path }, `/${query}`);
    await tools.router.rows(`select search, url from pages where anonymous_id = '${visitor}'`, [
      { search: query, url: `${shop(tools.site)}/${query}` },
    ]);
  });
}

browserTest('the immutable name of the script passes the integrity of the list', async (tools) => {
  const { page, router, site } = tools;
  const { scripts } = await (await fetch(`${router.url}/tracker.json`)).json();
  for (const { path, immutable, integrity } of scripts) {
    const name = `Loaded ${path}`;
    site.pages.set('/', html(tag(events(router) + immutable, QUIET, `crossorigin integrity="${integrity}"`)));
    await page.goto(shop(site));
    await tell(page, 'Pinned', { name });
    await router.rows(`select count(*) as count from pinned where name = '${name}'`, [{ count: 1 }]);
  }
  const [{ immutable }, { integrity }] = scripts;
  site.pages.set('/', html(tag(events(router) + immutable, QUIET, `crossorigin integrity="${integrity}"`)));
  await page.goto(shop(site));
  assert.equal(await page.evaluate(() => typeof window.opentrack), 'undefined');
});

/** The names of /collect, what they are given, and where that is a row. */
const LEAVES = [
  ['page', { name: 'One' }, 'pages', "name = 'One'"],
  ['pageview', { name: 'Two' }, 'pages', "name = 'Two'"],
  ['screen', { name: 'Three' }, 'screens', "name = 'Three'"],
  ['track', { event: 'Four' }, 'four', 'true'],
  ['event', { name: 'Five' }, 'five', 'true'],
  ['click', { tag: 'a', id: 'six' }, 'element_clicked', "tag = 'a'"],
  ['error', { message: 'seven' }, 'error_occurred', "message = 'seven'"],
  ['identify', { userId: 'u8', plan: 'gold' }, 'identifies', "plan = 'gold'"],
  ['group', { groupId: 'g9' }, 'groups', "group_id = 'g9'"],
  ['alias', { userId: 'u10', previousId: 'p10' }, 'aliases', "previous_id = 'p10'"],
  ['vitals', { name: 'LCP', value: 11 }, 'web_vital', "name = 'LCP'"],
  ['engagement', { engaged_ms: 12 }, 'page_engaged', 'engaged_ms = 12'],
  ['consent', { analytics: true }, 'segment_consent_preference_updated', 'true'],
  ['ecommerce/product-viewed', { product_id: 'p' }, 'product_viewed', "product_id = 'p'"],
  ['ecommerce/product-added', { product_id: 'p' }, 'product_added', "product_id = 'p'"],
  ['ecommerce/product-removed', { product_id: 'p' }, 'product_removed', "product_id = 'p'"],
  ['ecommerce/cart-viewed', { cart_id: 'c' }, 'cart_viewed', "cart_id = 'c'"],
  ['ecommerce/checkout-started', { order_id: 'o' }, 'checkout_started', "order_id = 'o'"],
  ['ecommerce/checkout-step', { step: 1 }, 'checkout_step_viewed', 'step = 1'],
  ['ecommerce/payment-info', { order_id: 'o' }, 'payment_info_entered', "order_id = 'o'"],
  ['ecommerce/order-completed', { order_id: 'o' }, 'order_completed', "order_id = 'o'"],
  ['ecommerce/order-refunded', { order_id: 'o' }, 'order_refunded', "order_id = 'o'"],
];

browserTest('a page of another origin may call every name below /collect', async ({ site, page, router }) => {
  const visitor = `collector-${process.pid}`;
  await page.goto(`http://www.other.example:${site.port}/plain`);
  const answers = await page.evaluate(
    async ([base, leaves, anonymousId]) => {
      const said = [];
      for (const [name, body] of leaves) {
        const answer = await fetch(`${base}/collect/${name}`, {
          method: 'POST',
          credentials: 'include',
          body: JSON.stringify({ anonymousId, writeKey: 'web', ...body }),
        });
        said.push([name, answer.status, await answer.json()]);
      }
      return said;
    },
    [foreign(router), LEAVES, visitor],
  );
  assert.deepEqual(
    answers,
    LEAVES.map(([name]) => [name, 200, { success: true }]),
  );
  for (const [, , table, where] of LEAVES) {
    const query = `select count(*) as count from ${table} where ${where} and `;
    const who = table === 'aliases' ? "previous_id = 'p10'" : `anonymous_id = '${visitor}'`;
    await router.rows(query + who, [{ count: 1 }]);
  }
});

browserTest('the router renews the cookie that the script has written, at the width of the site', async (tools) => {
  const { context, page, router } = tools;
  const visitor = await visit(tools, QUIET);
  const written = await cookie(context);
  // As a browser that cuts short what scripts write: the batch leaves with a cookie of one day.
  await page.route('**/v1/batch', async (route) => {
    await context.addCookies([{ ...written, expires: Date.now() / 1000 + 86_400 }]);
    await route.continue();
  });
  const answered = page.waitForResponse('**/v1/batch');
  await tell(page, 'Renewed');
  await (await answered).finished();
  await until('the cookie is renewed', async () => days(await cookie(context)) === 395);
  const { value, domain, httpOnly, sameSite } = await cookie(context);
  assert.deepEqual([value, domain, httpOnly, sameSite], [visitor, '.shop.example', false, 'Lax']);
  await router.rows(`select count(*) as count from renewed where anonymous_id = '${visitor}'`, [{ count: 1 }]);
});

browserTest('a refusal deletes the cookies that an earlier page has written for the whole site', async (tools) => {
  const { context, page } = tools;
  await visit(tools, QUIET);
  const before = (await context.cookies()).map(({ name }) => name);
  await visit(tools, { ...QUIET, consent: 'opt-in' }, '/?again');
  await page.evaluate(() => window.opentrack.consent({ storage: false }));
  assert.deepEqual([before, await context.cookies()], [['ot_aid'], []]);
});

browserTest(
  'where the router owns the id no script can read it, and all events of a visitor have it',
  async (tools) => {
    const { context, page, router, site } = tools;
    site.pages.set('/', html(tag(`${events(router)}/tracker.js`, { ...QUIET, cookieHttpOnly: true })));
    await page.goto(shop(site));
    await tell(page, 'Owned', { i: 1 });
    await until('the cookie', () => cookie(context));
    const { value, httpOnly, domain } = await cookie(context);
    assert.deepEqual([httpOnly, domain], [true, '.shop.example']);
    assert.doesNotMatch(await page.evaluate(() => document.cookie), /ot_aid/);
    await page.goto(shop(site));
    await tell(page, 'Owned', { i: 2 });
    await router.rows('select i, anonymous_id from owned order by i', [
      { i: 1, anonymous_id: value },
      { i: 2, anonymous_id: value },
    ]);
  },
  { router: '\n[tracker]\ncookie_http_only = true\n' },
);

browserTest('a page of another site is served and heard, and gets no cookie of the router', async (tools) => {
  const { context, page, router } = tools;
  await elsewhere(tools, QUIET, `${foreign(router)}/tracker.js`);
  await tell(page, 'From Afar');
  const visitor = await page.evaluate(() => window.opentrack.user().anonymousId());
  await router.rows(`select count(*) as count from from_afar where anonymous_id = '${visitor}'`, [{ count: 1 }]);
  const kept = (await context.cookies()).map(({ domain }) => domain);
  assert.deepEqual([...new Set(kept)], ['.other.example']);
});

const listed = (more) => (site) =>
  `\n[sources.web]\nwrite_keys = ["web"]\norigins = ["http://www.shop.example:${site.port}"]\n${more}`;

browserTest(
  'an origin that the source lists reads its answers; of another one each event is stored once all the same',
  async (tools) => {
    const { page, router, site } = tools;
    await visit(tools, QUIET);
    const first = page.waitForResponse('**/v1/batch');
    await tell(page, 'Listed');
    const { status, allowed } = await first.then(async (answer) => ({
      status: answer.status(),
      allowed: (await answer.allHeaders())['access-control-allow-origin'],
    }));
    assert.deepEqual([status, allowed], [200, shop(site)]);
    await router.rows('select count(*) as count from listed', [{ count: 1 }]);

    let asked = 0;
    page.on('request', (request) => (asked += request.url().endsWith('/v1/batch') ? 1 : 0));
    await elsewhere(tools, QUIET);
    await tell(page, 'Unlisted');
    // The page never hears that it was taken, and asks again.
    await until('another attempt', () => asked >= 2);
    await router.rows('select count(*) as count from unlisted', [{ count: 1 }]);
  },
  { router: listed('') },
);

browserTest(
  'where origins are enforced the event of another one is not stored',
  async (tools) => {
    const { page, router } = tools;
    await elsewhere(tools, QUIET);
    // Without a header for this origin the browser keeps the answer to itself.
    const failed = page.waitForEvent('requestfailed', (request) => request.url().endsWith('/v1/batch'));
    await tell(page, 'Refused');
    await failed;
    await visit(tools, QUIET);
    await tell(page, 'Taken');
    await router.rows('select count(*) as count from taken', [{ count: 1 }]);
    assert.deepEqual(await router.sql("select name from sqlite_master where name = 'refused'"), []);
  },
  { router: listed('enforce_origin = true\n') },
);

const SEGMENT = (base) => `<script>
  !(function () {
    var analytics = (window.analytics = window.analytics || []);
    analytics.invoked = true;
    analytics.methods = ['track', 'page', 'identify', 'ready'];
    analytics.methods.forEach(function (method) {
      analytics[method] = function () {
        analytics.push([method].concat([].slice.call(arguments)));
        return analytics;
      };
    });
    analytics._writeKey = 'web';
    analytics._cdn = '${base}';
    analytics.SNIPPET_VERSION = '5.2.1';
    var script = document.createElement('script');
    script.async = true;
    script.setAttribute('data-global-segment-analytics-key', 'analytics');
    script.src = '${base}/analytics.js/v1/web/analytics.min.js';
    document.head.append(script);
    analytics.page();
    analytics.track('Segment Told', { plan: 'gold' });
  })();
</script>`;

browserTest("Segment's own library starts from the router and sends to it, beside our tracker", async (tools) => {
  const { page, router, site } = tools;
  const asked = [];
  page.on('request', (request) => asked.push(new URL(request.url())));
  site.pages.set('/', html(SEGMENT(events(router)) + tag(`${events(router)}/tracker.js`, QUIET)));
  await page.goto(shop(site));
  await tell(page, 'Ours Told');
  await router.rows('select plan, context_library_name from segment_told', [
    { plan: 'gold', context_library_name: 'analytics.js' },
  ]);
  await router.rows('select context_library_name from ours_told', [{ context_library_name: 'opentrack.js' }]);
  const paths = asked.map(({ pathname }) => pathname);
  for (const path of ['/analytics.js/v1/web/analytics.min.js', '/v1/projects/web/settings'])
    assert.ok(paths.includes(path), path);
  assert.deepEqual([...new Set(asked.map(({ hostname }) => hostname))].sort(), [
    'events.shop.example',
    'www.shop.example',
  ]);
});

browserTest(
  'script and collection answer under names that say nothing',
  async (tools) => {
    const { page, router } = tools;
    const asked = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    const visitor = await visit(tools, { ...PAGES, path: '/c/batch' }, '/', `${events(router)}/t.js`);
    await router.rows(`select count(*) as count from pages where anonymous_id = '${visitor}'`, [{ count: 1 }]);
    assert.deepEqual(asked, ['/', '/t.js', '/c/batch']);
  },
  { router: '\n[tracker]\nscript_path = "/t.js"\ncollect_path = "/c"\n' },
);
