// What the tracker costs a page when it starts: `npm run measure`. Parsing, evaluation and start of each file in a page of
// its own in headless Chromium, with the processor as it is and slowed down to a quarter, and the heap that it then holds.
// Ends with 1 where the median of the default script is above what it may be.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const dist = join(dirname(dirname(fileURLToPath(import.meta.url))), 'dist');
const FILES = ['tracker.core.js', 'tracker.js', 'tracker.attr.js'];
const ROUNDS = 25;
/** Milliseconds of `tracker.js`, by how many times slower the processor is made. */
const LIMITS = { 1: 5, 4: 20 };

/** The script stands in the page, so that no network is measured; the marks stand around it. */
const page = (file) => `<!doctype html><meta charset="utf-8"><title>Shop</title>
<h1>Hello</h1><button>Buy</button><script>performance.mark('from')</script>
<script data-write-key="web">${file ? readFileSync(join(dist, file), 'utf8') : ''}</script>
<script>performance.mark('to'); took = performance.measure('start', 'from', 'to').duration</script>`;

const server = createServer((request, response) => {
  const file = FILES.find((name) => request.url === `/${name}`);
  response.writeHead(200, { 'content-type': 'text/html' });
  response.end(request.method === 'POST' ? '{}' : page(file));
});
const port = await new Promise((done) => server.listen(0, '127.0.0.1', () => done(server.address().port)));
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});

/** One load in a fresh profile: milliseconds, and bytes of the heap after a collection. */
async function load(file, rate) {
  const context = await browser.newContext();
  const tab = await context.newPage();
  const errors = [];
  tab.on('pageerror', (error) => errors.push(error));
  const devtools = await context.newCDPSession(tab);
  await devtools.send('Emulation.setCPUThrottlingRate', { rate });
  await tab.goto(`http://127.0.0.1:${port}/${file}`);
  const took = await tab.evaluate(() => window.took);
  // Behind the task in which the first view is sent.
  await tab.evaluate(() => new Promise((next) => setTimeout(next, 50)));
  await devtools.send('HeapProfiler.collectGarbage');
  const { usedSize } = await devtools.send('Runtime.getHeapUsage');
  await context.close();
  if (errors.length) throw errors[0];
  return { took, heap: usedSize };
}

const middle = (values) => values.sort((one, other) => one - other)[values.length >> 1];
const median = async (file, rate) => {
  const loads = [];
  for (let round = 0; round < ROUNDS; round++) loads.push(await load(file, rate));
  const took = loads.map((each) => each.took);
  return { took: middle(took), least: Math.min(...took), heap: middle(loads.map(({ heap }) => heap)) };
};

let tooSlow = false;
await load('', 1);
console.log('| file | start, ms: median (least) | with a quarter of the processor | heap, KiB |\n|---|---|---|---|');
const empty = await median('', 1);
for (const file of FILES) {
  const cells = [];
  let heap;
  for (const [rate, limit] of Object.entries(LIMITS)) {
    const said = await median(file, +rate);
    heap ??= said.heap - empty.heap;
    cells.push(`${said.took.toFixed(1)} (${said.least.toFixed(1)})`);
    tooSlow ||= file === 'tracker.js' && said.took > limit;
  }
  console.log(`| \`${file}\` | ${cells.join(' | ')} | ${Math.round(heap / 1024)} |`);
}
await browser.close();
server.close();
process.exitCode = tooSlow ? 1 : 0;
