// Pictures of every page: `--out DIR` writes all of them there, in both looks and two widths; without it the few of the
// documentation are written to docs/images.
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright-core';
import { root } from '../test/browser/router.mjs';
import { startShop, tell } from '../test/browser/seed.mjs';
import { open, PAGES } from '../test/browser/pages.mjs';

const flag = process.argv.indexOf('--out');
const isAll = flag > 0;
const out = isAll ? resolve(process.argv[flag + 1]) : join(root, 'docs/images');
mkdirSync(out, { recursive: true });
const shop = process.env.SHOP ? { url: process.env.SHOP, stop: () => undefined } : await startShop();
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
const wanted = isAll
  ? PAGES.flatMap((page) => ['light', 'dark'].flatMap((look) => [1280, 360].map((width) => [page, look, width])))
  : [
      ['live', 'light', 1280, 1000],
      ['destinations', 'light', 1280],
      ['overview', 'dark', 1280],
    ];
const only = process.env.ONLY?.split(',');
for (const [page, look, width, height] of wanted) {
  if (only && !only.includes(page)) continue;
  const tab = await open(browser, shop.url, page, { look, width, height });
  if (page === 'live' && shop.post) await tell(shop, tab);
  const path = join(out, isAll ? `${page}-${look}-${width}.png` : `console-${page}.png`);
  await tab.screenshot({ path, fullPage: isAll });
  await tab.context().close();
}
await browser.close();
await shop.stop();
