// Opens pages of the console, and looks at them as somebody would who cannot see well, has a narrow screen or no mouse.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { home } from './router.mjs';

export const PAGES = ['live', 'destinations', 'overview', 'commerce', 'performance', 'sessions', 'sources', 'schema', 'health'];

const TYPES = { css: 'text/css', js: 'text/javascript', html: 'text/html' };

/** With CONSOLE_FROM_DISK set the files are those of dist, so that a change can be looked at before the router is built. */
async function fromDisk(context) {
  if (!process.env.CONSOLE_FROM_DISK) return;
  const serve = (name) => async (route) => {
    const answer = await route.fetch();
    const headers = {
      'content-security-policy': answer.headers()['content-security-policy'],
      'content-type': TYPES[name.split('.').at(-1)],
    };
    await route.fulfill({ status: 200, headers, body: readFileSync(join(home, 'dist', name)) });
  };
  await context.route(/\/console\.[0-9a-f]+\.js$/, serve('console.js'));
  await context.route(/\/console\.[0-9a-f]+\.css$/, serve('console.css'));
  await context.route(/\/$/, serve('index.html'));
}

/** Opens a page and waits until it has what it asked for. What the browser complains about is in `complaints`. */
export async function open(browser, url, page, { look = 'light', width = 1280, height = 800, zone = 'Europe/Berlin' } = {}) {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: look,
    timezoneId: zone,
    locale: 'en-GB',
    reducedMotion: 'reduce',
  });
  await fromDisk(context);
  const tab = await context.newPage();
  tab.complaints = [];
  tab.foreign = [];
  tab.on('console', (message) => ['error', 'warning'].includes(message.type()) && tab.complaints.push(message.text()));
  tab.on('pageerror', (error) => tab.complaints.push(String(error)));
  tab.on(
    'request',
    (request) => new URL(request.url()).host !== new URL(url).host && !request.url().startsWith('data:') && tab.foreign.push(request.url()),
  );
  await tab.goto(`${url}/#/${page}`);
  await tab.waitForSelector('h1');
  await settled(tab);
  return tab;
}

/** Waits until nothing is loading any more. */
export const settled = (tab) => tab.waitForFunction(() => document.querySelector('main') && !document.querySelector('.waiting'));
