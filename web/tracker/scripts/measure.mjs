// What the tracker costs a page when it starts: `npm run measure`. Compiling, evaluation and start of each file in a page of
// its own in headless Chromium: the time of its thread, with the processor as it is and slowed down to a quarter, and the
// clock; the processor's time for scripts until the first view has been sent; the heap that is then held. Others on the
// machine add to the clock and not to the thread's time, but to what Chromium slows it down by. Ends with 1 where the thread's
// time of the default script is above what it may be: in the middle, and slowed down the least.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const dist = join(dirname(dirname(fileURLToPath(import.meta.url))), 'dist');
const FILES = ['tracker.core.js', 'tracker.js', 'tracker.attr.js'];
const ROUNDS = +(process.argv[2] ?? 15);
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

/** Milliseconds that the thread has had for the script: the longest that was evaluated. */
function threadTime(trace) {
  const { traceEvents } = JSON.parse(trace.toString());
  const evaluated = traceEvents.filter(({ name, tdur }) => name === 'EvaluateScript' && tdur);
  return Math.max(...evaluated.map(({ tdur }) => tdur)) / 1000;
}

/** One load in a fresh profile: milliseconds, and bytes of the heap after a collection. */
async function load(file, rate) {
  const context = await browser.newContext();
  const tab = await context.newPage();
  const errors = [];
  tab.on('pageerror', (error) => errors.push(error));
  const devtools = await context.newCDPSession(tab);
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' });
  await devtools.send('Emulation.setCPUThrottlingRate', { rate });
  await browser.startTracing(tab, { categories: ['devtools.timeline'] });
  const sent = file ? tab.waitForRequest('**/v1/batch') : undefined;
  await tab.goto(`http://127.0.0.1:${port}/${file}`);
  const took = await tab.evaluate(() => window.took);
  await sent;
  const start = threadTime(await browser.stopTracing());
  const { metrics } = await devtools.send('Performance.getMetrics');
  const cpu = metrics.find(({ name }) => name === 'ScriptDuration').value * 1000;
  await devtools.send('HeapProfiler.collectGarbage');
  const { usedSize } = await devtools.send('Runtime.getHeapUsage');
  await context.close();
  if (errors.length) throw errors[0];
  return { took, start, cpu, heap: usedSize };
}

const sorted = (values) => values.sort((one, other) => one - other);
const said = (values, digits = 1) => `${values[0].toFixed(digits)} (${values[values.length >> 1].toFixed(digits)})`;
const series = async (file, rate) => {
  const loads = [];
  for (let round = 0; round < ROUNDS; round++) loads.push(await load(file, rate));
  return ['took', 'start', 'cpu', 'heap'].map((what) => sorted(loads.map((each) => each[what])));
};

let tooSlow = false;
await load('', 1);
const [, , , empty] = await series('', 1);
console.log('Least (median) of each.\n');
console.log(
  '| file | start, ms of its thread | the same at a quarter of the speed | start, ms by the clock | script time until the view is sent, ms | heap, KiB |',
);
console.log('|---|---|---|---|---|---|');
for (const file of FILES) {
  const [took, start, cpu, heap] = await series(file, 1);
  const [, slow] = await series(file, 4);
  const held = heap.map((bytes) => (bytes - empty[0]) / 1024);
  console.log(`| \`${file}\` | ${said(start)} | ${said(slow)} | ${said(took)} | ${said(cpu)} | ${said(held, 0)} |`);
  tooSlow ||= file === 'tracker.js' && (start[start.length >> 1] > LIMITS[1] || slow[0] > LIMITS[4]);
}
await browser.close();
server.close();
process.exitCode = tooSlow ? 1 : 0;
