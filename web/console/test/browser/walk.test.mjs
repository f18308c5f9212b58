// Walks through every page with a filled router behind it: both looks, a wide and a narrow screen. Pictures of what was seen
// are left in target/console.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';
import { overflowing, pale, reached, unnamed } from './eyes.mjs';
import { open, PAGES } from './pages.mjs';
import { root, until } from './router.mjs';
import { HOSTILE, startShop, tell } from './seed.mjs';

const pictures = join(root, 'target/console');
let browser;
let shop;

before(async () => {
  mkdirSync(pictures, { recursive: true });
  shop = await startShop();
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
});
after(async () => {
  await browser?.close();
  await shop?.stop();
});

/** What each page must have said before it is looked at: it comes from the router. */
const SAYS = {
  live: 'Last 30 minutes',
  destinations: 'half within',
  overview: 'AI Assistants',
  commerce: 'Order Completed',
  performance: 'Largest content painted',
  sessions: 'visitor-',
  sources: '…6789',
  schema: 'signed_up',
  health: 'can append',
};

for (const page of PAGES) {
  test(`${page} is whole, readable and named in both looks and widths, and asks nobody else`, async () => {
    for (const look of ['light', 'dark']) {
      const tab = await open(browser, shop.url, page, { look });
      await tab.getByText(SAYS[page]).first().waitFor();
      if (page === 'live') await tell(shop, tab);
      for (const width of [1280, 360]) {
        await tab.setViewportSize({ width, height: 800 });
        const where = `${page}, ${look}, ${width}`;
        await tab.screenshot({ path: join(pictures, `${page}-${look}-${width}.png`), fullPage: true });
        assert.deepEqual(await overflowing(tab), [], where);
        assert.deepEqual(await pale(tab), [], where);
        assert.deepEqual(await unnamed(tab), [], where);
      }
      assert.deepEqual([tab.complaints, tab.foreign], [[], []], `${page}, ${look}`);
      assert.equal(await tab.evaluate(() => window.owned), undefined, 'a name became markup');
      await tab.context().close();
    }
  });
}

test('the keyboard reaches everything in the order of the page, and one sees where it is', async () => {
  const tab = await open(browser, shop.url, 'destinations');
  const seen = await reached(tab, 16);
  assert.deepEqual(
    seen.slice(0, 3).map(({ text }) => text.replace(/,.*/, '')),
    ['Go to the content', 'Live', 'Destinations'],
  );
  assert.deepEqual(
    seen.filter(({ isSeen }) => !isSeen),
    [],
  );
  await tab.getByRole('button', { name: 'Replay…' }).first().focus();
  await tab.keyboard.press('Enter');
  await tab.getByRole('dialog').waitFor();
  await tab.keyboard.press('Escape');
  await tab.getByRole('dialog').waitFor({ state: 'detached' });
  assert.equal(await tab.evaluate(() => document.activeElement.textContent), 'Replay…', 'the focus comes back');
  await tab.context().close();
});

test('an event shows up in the tail with what became of it, and opens its journey', async () => {
  const tab = await open(browser, shop.url, 'live');
  await tab.locator('section[aria-label=Events] .status.open').waitFor();
  await shop.post('wk_live_backend_987654321', [{ type: 'track', userId: 'u', messageId: 'tailed', event: HOSTILE }]);
  const row = tab.locator('.tail tbody tr').first();
  await row.getByText('mail: delivered').waitFor();
  assert.match(await row.textContent(), /<img src=x/, 'it stands there as it was sent');
  assert.ok(!(await row.textContent()).includes('\u202e'), 'and does not turn the line around');
  await row.getByRole('button').click();
  const sheet = tab.getByRole('dialog');
  await sheet.getByText('Accepted').waitFor();
  await sheet.getByText('unauthorized').waitFor();
  await tab.screenshot({ path: join(pictures, 'journey-light-1280.png') });
  assert.deepEqual([await pale(tab), await unnamed(tab)], [[], []]);
  await tab.context().close();
});

test('a visitor shows their sessions and events, and is forgotten where the router can', async () => {
  const tab = await open(browser, shop.url, 'sessions');
  await tab.locator('a[href*="visitor-"]').first().click();
  const sheet = tab.getByRole('dialog');
  const events = sheet.getByRole('list', { name: 'Events' });
  await events.getByText('/').first().waitFor();
  await sheet.getByText('the journal begins').waitFor();
  for (const look of ['Dark', 'Light']) {
    await tab.evaluate((name) => (document.documentElement.dataset.theme = name.toLowerCase()), look);
    for (const width of [1280, 360]) {
      await tab.setViewportSize({ width, height: 800 });
      await tab.screenshot({ path: join(pictures, `visitor-${look.toLowerCase()}-${width}.png`) });
      assert.deepEqual([await overflowing(tab), await pale(tab), await unnamed(tab)], [[], [], []], `${look}, ${width}`);
    }
  }
  await events.getByRole('button').first().click();
  await sheet.getByText('Accepted').waitFor();
  await tab.keyboard.press('Escape');
  await sheet.getByText('the journal begins').waitFor();

  // The path of the router alone decides whether there is something to press.
  const begun = [];
  await tab.route(/\/api\/openapi\.json$/, (route) => route.fulfill({ json: { paths: { '/api/privacy/regulations': {} } } }));
  await tab.route(/\/api\/privacy\/regulations/, async (route) => {
    const wish = route.request().postDataJSON();
    if (wish) begun.push(wish);
    const stores = { journal: { state: 'done', erased: 12, reason: null } };
    await route.fulfill({ json: { id: `r${begun.length}`, status: wish ? 'pending' : 'done', stores } });
  });
  await tab.reload();
  await sheet.getByRole('button', { name: 'Erase…' }).click();
  const ask = tab.getByRole('dialog', { name: 'Erase a visitor' });
  const id = await ask.locator('p code').textContent();
  assert.ok(await ask.getByRole('button', { name: 'Erase for good' }).isDisabled(), 'the id must be typed');
  await ask.getByLabel(`Type ${id}`).fill(id);
  await ask.getByLabel('Take no events').check();
  await tab.screenshot({ path: join(pictures, 'erase-light-360.png') });
  assert.deepEqual([await overflowing(tab), await pale(tab)], [[], []]);
  await ask.getByRole('button', { name: 'Erase for good' }).click();
  await sheet.getByText('12 erased').first().waitFor();
  await sheet.getByText('done').first().waitFor();
  assert.deepEqual(
    begun.map(({ regulationType, subjectType, subjectIds }) => [regulationType, subjectType, ...subjectIds]),
    ['USER_ID', 'ANONYMOUS_ID'].map((kind) => ['SUPPRESS_WITH_DELETE', kind, id]),
  );
  assert.deepEqual(tab.complaints, []);
  await tab.context().close();
});

test('the looks and the time zone are kept, and hold for every page', async () => {
  const tab = await open(browser, shop.url, 'schema', { zone: 'UTC' });
  await tab.getByRole('button', { name: 'Dark' }).first().click();
  await tab.getByLabel('Time zone').first().selectOption('Asia/Tokyo');
  await tab.reload();
  await tab.waitForSelector('h1');
  assert.equal(await tab.evaluate(() => document.documentElement.dataset.theme), 'dark');
  const asked = tab.waitForRequest(/api\/stats\/series/);
  await tab.goto(`${shop.url}/#/overview`);
  assert.match((await asked).url(), /tz=Asia%2FTokyo/);
  await tab.context().close();
});

test('the installation is found to work with the next event of the source', async () => {
  const tab = await open(browser, shop.url, 'sources/web');
  await tab.getByRole('button', { name: 'Check the installation' }).click();
  await tab.getByText('Waiting for').waitFor();
  await shop.post('wk_live_web_123456789', [{ type: 'track', userId: 'u', event: 'Installed' }]);
  await tab.getByText('It works.').waitFor();
  await tab.context().close();
});

test('when the router goes away the page says so, and goes on by itself when it is back', async () => {
  const tab = await open(browser, shop.url, 'destinations');
  await shop.end();
  await tab.getByText('The router does not answer.').first().waitFor();
  await shop.start();
  await until('it goes on', async () => (await tab.getByText('The router does not answer.').count()) === 0);
  await tab.getByText('was revoked').waitFor();
  await tab.context().close();
});
