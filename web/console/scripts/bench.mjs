// How the live page keeps up with RATE (1000) events a second for SECONDS (15): frames drawn per second, the longest pause,
// rows shown; and how soon the first paint is on a browser of a quarter of the speed. Prints one line of JSON.
import { chromium } from 'playwright-core';
import { open } from '../test/browser/pages.mjs';
import { startReceiver, startRouter } from '../test/browser/router.mjs';

const RATE = Number(process.env.RATE ?? 1000);
const SECONDS = Number(process.env.SECONDS ?? 15);
/** Batches a second. */
const BEATS = 10;

const receiver = await startReceiver(() => [200, 'ok']);
const router = await startRouter(`[destinations.hook]\ntype = "webhook"\nurl = "${receiver.url}"\n`);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
const tab = await open(browser, router.url, 'live');
await tab.locator('section[aria-label=Events] .status.open').waitFor();
await tab.evaluate(() => {
  window.frames_at = [];
  const note = (at) => {
    window.frames_at.push(at);
    requestAnimationFrame(note);
  };
  requestAnimationFrame(note);
});
let sent = 0;
const begun = Date.now();
while (Date.now() - begun < SECONDS * 1000) {
  const due = Math.min(RATE * SECONDS, Math.ceil(((Date.now() - begun) / 1000) * RATE));
  const calls = Array.from({ length: due - sent }, (_, at) => ({
    type: 'track',
    userId: `u${at % 50}`,
    event: `Event ${(sent + at) % 20}`,
  }));
  sent = due;
  if (calls.length) await router.post('any', calls);
  await new Promise((next) => setTimeout(next, 1000 / BEATS));
}
const said = await tab.evaluate(() => {
  const gaps = window.frames_at.slice(1).map((at, index) => at - window.frames_at[index]);
  const seconds = (window.frames_at.at(-1) - window.frames_at[0]) / 1000;
  return {
    frames_per_second: Math.round(gaps.length / seconds),
    longest_pause_ms: Math.round(Math.max(...gaps)),
    rows: document.querySelectorAll('.tail tbody tr').length,
  };
});
await tab.context().close();

const context = await browser.newContext();
const slow = await context.newPage();
const devtools = await context.newCDPSession(slow);
await devtools.send('Emulation.setCPUThrottlingRate', { rate: 4 });
await slow.goto(`${router.url}/#/destinations`);
await slow.waitForSelector('h1');
const paint = await slow.evaluate(() => ({
  document_ttfb_ms: Math.round(performance.getEntriesByType('navigation')[0].responseStart),
  first_paint_ms: Math.round(performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? -1),
}));
await browser.close();
await router.stop();
await receiver.close();
console.log(JSON.stringify({ events_per_second: Math.round(sent / SECONDS), ...said, ...paint }));
