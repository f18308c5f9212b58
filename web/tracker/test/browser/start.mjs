// How the tracker starts, and what it takes for its own.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { browserTest, home, html, QUIET, script, until } from './support.mjs';

const STUB = `<script>
  window.dataLayer = window.dataLayer || [];
  function track() { window.dataLayer.push(arguments); }
  track('config', 'web', ${JSON.stringify(QUIET)});
  track('track', 'Before');
</script>`;
const tag = (hub) => `<script src="${hub.url}/tracker.core.js"></script>`;

browserTest('a stub before the script is replayed once', async ({ site, hub, page, settled }) => {
  site.pages.set('/', html(STUB + tag(hub)));
  await page.goto(site.url);
  await settled();
  assert.equal(hub.named('Before').length, 1);
});

browserTest('a stub after the script is taken at once', async ({ site, hub, page, settled }) => {
  site.pages.set('/', html(tag(hub) + STUB));
  await page.goto(site.url);
  await settled();
  assert.equal(hub.named('Before').length, 1);
});

browserTest('calls before the config are replayed in their order', async ({ site, hub, page, settled }) => {
  const calls = `<script>dataLayer = [['track', 'A'], ['track', 'B']];</script>`;
  site.pages.set('/', html(calls + tag(hub) + STUB));
  await page.goto(site.url);
  await settled();
  assert.deepEqual(
    hub.accepted().map(({ event }) => event),
    ['A', 'B', 'Before', 'The End'],
  );
});

browserTest('an array is taken like an arguments object', async ({ open, page, hub, settled }) => {
  await open(QUIET);
  await page.evaluate(() => window.dataLayer.push(['track', 'Array']));
  await settled();
  assert.equal(hub.named('Array').length, 1);
});

browserTest('what gtag and a tag manager push is not ours', async ({ open, page, hub, settled }) => {
  await open(QUIET);
  await page.evaluate(() => {
    function gtag() {
      window.dataLayer.push(arguments);
    }
    gtag('js', new Date());
    gtag('config', 'G-ABC123');
    gtag('event', 'purchase', { value: 1 });
    window.dataLayer.push({ event: 'gtm.js' });
  });
  await settled();
  assert.deepEqual(
    hub.accepted().map(({ event }) => event),
    ['The End'],
  );
});

browserTest('the key of a Google product is not the write key', async ({ site, hub, page, settled }) => {
  const gtag = `<script>dataLayer = []; function gtag() { dataLayer.push(arguments) } gtag('config', 'G-ABC123');</script>`;
  site.pages.set('/', html(gtag + tag(hub) + STUB));
  await page.goto(site.url);
  await settled();
  assert.equal(JSON.parse(hub.requests[0].text).writeKey, 'web');
});

browserTest('events of gtag are taken where the page wants that', async ({ open, page, hub }) => {
  await open({ ...QUIET, gtagEvents: true });
  await page.evaluate(() => {
    window.dataLayer.push(['event', 'purchase', { value: 7 }]);
    window.opentrack.flush();
  });
  assert.deepEqual((await hub.one('purchase')).properties, { value: 7 });
});

browserTest('a second key is ignored with a warning', async ({ open, page, hub, settled }) => {
  await open(QUIET);
  const warned = page.waitForEvent('console', (said) => said.text().includes('key "other" is ignored'));
  await page.evaluate(() => window.track('config', 'other'));
  await warned;
  await settled();
  assert.equal(JSON.parse(hub.requests.at(-1).text).writeKey, 'web');
});

browserTest('an unknown command is named in a warning', async ({ open, page }) => {
  await open(QUIET);
  const warned = page.waitForEvent('console', (said) => said.text().includes('no command "pageview"'));
  await page.evaluate(() => window.track('pageview'));
  assert.equal((await warned).type(), 'warning');
});

browserTest('an array stub of analytics is taken over', async ({ site, hub, page }) => {
  const stub = `<script>analytics = [['load', 'web', ${JSON.stringify(QUIET)}], ['track', 'Stubbed']];</script>`;
  site.pages.set('/', html(stub + tag(hub)));
  await page.goto(site.url);
  await page.evaluate(() => {
    window.analytics.track('Called');
    window.analytics.flush();
  });
  await hub.one('Called');
  assert.equal(hub.named('Stubbed').length, 1);
});

browserTest("Segment's own stub is left to Segment's script", async ({ site, hub, page, settled }) => {
  const stub = `<script>analytics = [['track', 'Theirs']]; analytics.SNIPPET_VERSION = '5.2.1';</script>`;
  site.pages.set('/', html(stub + script(hub, QUIET)));
  await page.goto(site.url);
  await settled();
  assert.equal(hub.named('Theirs').length, 0);
});

browserTest('no global is made but the four that are told', async ({ site, hub, page }) => {
  await page.goto(site.url + '/plain');
  const names = () => page.evaluate(() => Object.getOwnPropertyNames(window));
  const before = new Set(await names());
  site.pages.set('/', html(script(hub, {}, 'tracker.js')));
  await page.goto(site.url);
  await hub.one('page');
  const made = (await names()).filter((name) => !before.has(name)).sort();
  assert.deepEqual(made, ['dataLayer', 'opentrack', 'track']);
});

browserTest('a data layer of another name is followed', async ({ site, hub, page }) => {
  site.pages.set(
    '/',
    html(`<script>myLayer = [['config', 'web'], ['track', 'Mine']]</script>
      <script src="${hub.url}/tracker.core.js" data-layer="myLayer"></script>`),
  );
  await page.goto(site.url);
  assert.equal((await hub.one('Mine')).event, 'Mine');
});

browserTest(
  'a script that stands in the page itself sends to the origin of the page',
  async ({ site, page, context }) => {
    const sent = [];
    await context.route(`${site.url}/v1/batch`, (route) => {
      sent.push(...JSON.parse(route.request().postData()).batch);
      return route.fulfill({ status: 200, body: '{}' });
    });
    const text = readFileSync(join(home, 'dist/tracker.js'), 'utf8');
    site.pages.set('/', html(`<script data-write-key="web" data-options='${JSON.stringify(QUIET)}'>${text}</script>`));
    await page.goto(site.url);
    await page.evaluate(() => {
      window.opentrack.track('Inline');
      window.opentrack.flush();
    });
    await until('the batch', () => sent.length);
    assert.deepEqual(
      sent.map(({ event }) => event),
      ['Inline'],
    );
  },
);

browserTest('an endpoint of its own wins over the origin of the script', async ({ site, hub, page, context }) => {
  const other = [];
  await context.route('http://collect.test/**', (route) => {
    other.push(new URL(route.request().url()).pathname);
    return route.fulfill({ status: 200, body: '{}' });
  });
  const options = JSON.stringify({ ...QUIET, endpoint: 'http://collect.test/', path: '/c/batch' });
  site.pages.set(
    '/',
    html(`<script src="${hub.url}/tracker.core.js" data-write-key="web" data-options='${options}'></script>`),
  );
  await page.goto(site.url);
  await page.evaluate(() => {
    window.opentrack.track('Elsewhere');
    window.opentrack.flush();
  });
  await until('the batch', () => other.length);
  assert.deepEqual(other, ['/c/batch']);
});

browserTest('the address of the router may stand in the tag', async ({ site, hub, page, context }) => {
  const other = [];
  await context.route('http://collect.test/**', (route) => {
    other.push(new URL(route.request().url()).pathname);
    return route.fulfill({ status: 200, body: '{}' });
  });
  const tag = `<script src="${hub.url}/tracker.core.js" data-write-key="web" data-endpoint="http://collect.test"></script>`;
  site.pages.set('/', html(tag));
  await page.goto(site.url);
  await until('the batch', () => other.length);
  assert.deepEqual(other, ['/v1/batch']);
});

browserTest('a plugin changes and stops messages', async ({ site, hub, page, settled }) => {
  const plugin = `<script>dataLayer = [['use', ({ on }) => on('message', (message) => {
    message.context.tidy = true;
    return message.event !== 'Secret';
  })], ['config', 'web', ${JSON.stringify(QUIET)}], ['track', 'Secret']];</script>`;
  site.pages.set('/', html(plugin + tag(hub)));
  await page.goto(site.url);
  await settled();
  assert.deepEqual(
    hub.accepted().map(({ event, context }) => [event, context.tidy]),
    [['The End', true]],
  );
});

browserTest('a plugin adds a command of its own', async ({ open, page, hub }) => {
  await open(QUIET);
  await page.evaluate(() => {
    window.opentrack.use(({ commands, auto }) => {
      commands.video = (properties) => auto('Video Played', properties);
    });
    window.track('video', { id: 'v1' });
    window.opentrack.flush();
  });
  assert.equal((await hub.one('Video Played')).properties.id, 'v1');
});

browserTest('the small tracker counts views and clicks and takes every call', async ({ open, page, hub }) => {
  await open({}, '<button>Buy</button>', '/', 'tracker.core.js');
  await hub.one('page');
  await page.click('button');
  await page.evaluate(() => {
    window.track('error', { message: 'told' });
    window.opentrack.identify('u1');
  });
  await hub.one('identify');
  assert.deepEqual(
    hub.accepted().map(({ event, type }) => event ?? type),
    ['page', 'Element Clicked', 'Error Occurred', 'identify'],
  );
});
