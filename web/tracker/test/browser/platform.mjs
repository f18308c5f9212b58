// Strict pages, other scripts, other origins.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { browserTest, freePort, home, html, QUIET, script, until } from './support.mjs';

const PAGES = { ...QUIET, autoTrackPageViews: true };
/** The site's own pages say no inline script here: all comes by attributes. */
const strict = (site, hub, more = '') =>
  (site.headers['content-security-policy'] =
    `default-src 'none'; script-src ${hub.url}; connect-src ${hub.url}; ${more}`);

for (const [what, directive] of [
  ['a strict content security policy', ''],
  ['Trusted Types', "require-trusted-types-for 'script'; trusted-types 'none'"],
]) {
  browserTest(`the tracker runs under ${what}`, async ({ site, hub, page }) => {
    const complaints = [];
    page.on('console', (said) => complaints.push(said.text()));
    strict(site, hub, directive);
    site.pages.set('/', html(script(hub, { autoTrackErrors: true }, 'tracker.js'), '<a href="#x">X</a>'));
    await page.goto(site.url);
    await hub.one('page');
    await page.click('a');
    await page.goto(`${site.url}/other`);
    await hub.one('Element Clicked');
    assert.deepEqual(complaints, []);
  });
}

browserTest('the integrity of the script can be pinned from another origin', async ({ site, hub, page }) => {
  const { createHash } = await import('node:crypto');
  const text = await (await fetch(`${hub.url}/tracker.js`)).text();
  const integrity = 'sha384-' + createHash('sha384').update(text).digest('base64');
  site.pages.set(
    '/',
    html(
      `<script async crossorigin integrity="${integrity}" src="${hub.url}/tracker.js" data-write-key="web"></script>`,
    ),
  );
  await page.goto(site.url);
  assert.equal((await hub.one('page')).type, 'page');
});

browserTest('the tracker lives beside the scripts of Segment and Google', async ({ site, hub, page }) => {
  site.pages.set(
    '/',
    html(`<script>
      !function(){var i="analytics",analytics=window[i]=window[i]||[];analytics.methods=["track","page","identify"];
      analytics.factory=function(e){return function(){var n=Array.prototype.slice.call(arguments);n.unshift(e);analytics.push(n);return analytics}};
      for(var n=0;n<analytics.methods.length;n++){var key=analytics.methods[n];analytics[key]=analytics.factory(key)}
      analytics._writeKey="theirs";analytics.SNIPPET_VERSION="5.2.1";analytics.page()}();
      window.dataLayer = window.dataLayer || [];
      function gtag(){dataLayer.push(arguments);}
      gtag('js', new Date());
      gtag('config', 'G-12345');
    </script>${script(hub, PAGES)}`),
  );
  await page.goto(site.url);
  await hub.one('page');
  const theirs = await page.evaluate(() => [window.analytics.length, window.dataLayer.length]);
  assert.deepEqual([theirs, hub.accepted().length], [[1, 2], 1]);
});

browserTest('elements with the ids of our globals are not taken for them', async ({ site, hub, page, settled }) => {
  site.pages.set('/', html('', `<p id="opentrack"></p><p id="track"></p>${script(hub, QUIET)}`));
  await page.goto(site.url);
  await page.evaluate(() => window.track('track', 'Named'));
  await settled();
  assert.equal(hub.named('Named').length, 1);
});

browserTest('two trackers on a page are one', async ({ site, hub, page, settled }) => {
  site.pages.set('/', html(script(hub, PAGES) + script(hub, PAGES)));
  await page.goto(site.url);
  await settled();
  assert.equal(hub.named('page').length, 1);
});

browserTest('a static server may serve the tracker, with the router elsewhere', async ({ site, hub, page }) => {
  const port = await freePort();
  const server = spawn(
    process.execPath,
    [
      join(home, 'node_modules/http-server/bin/http-server'),
      join(home, 'dist'),
      '--cors',
      '-p',
      `${port}`,
      '-a',
      '127.0.0.1',
    ],
    { stdio: 'ignore' },
  );
  try {
    const origin = `http://127.0.0.1:${port}`;
    await until('the static server', async () => (await fetch(`${origin}/tracker.js`).catch(() => ({}))).ok);
    site.pages.set(
      '/',
      html(`<script async src="${origin}/tracker.js"></script><script>
        window.dataLayer = window.dataLayer || [];
        function track() { window.dataLayer.push(arguments); }
        track('config', 'YOUR_API_KEY', { endpoint: '${hub.url}' });
      </script>`),
    );
    await page.goto(site.url);
    assert.equal((await hub.one('page')).type, 'page');
  } finally {
    server.kill();
  }
});

browserTest('a page that throws in a callback keeps its tracker', async ({ open, page, hub, settled }) => {
  await open(QUIET);
  await page.evaluate(() => window.opentrack.on('track', () => null.x));
  await page.evaluate(() => window.track('track', 'Survived'));
  await settled();
  assert.equal(hub.named('Survived').length, 1);
});
