// What every browser test stands on: one Chromium and one router for all of them; for each test a site of its own, and a
// hub of its own, which serves the tracker, writes down what browsers send, and passes it on to the router.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as ask } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

export const home = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const root = dirname(dirname(home));
/** Time (ms) after which a condition that has not come true fails its test. */
const PATIENCE = 30_000;

const program = process.env.OPENTRACK ?? join(root, 'target/debug/opentrack');
const browserPath = process.env.CHROMIUM ?? '/usr/bin/chromium';

let browser;
let router;

/** Waits until `check` returns something true; looks again whenever it is told, and often. */
export async function until(what, check, said = () => '') {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (Date.now() > end) assert.fail(`not seen: ${what} ${said()}`);
    await new Promise((next) => setTimeout(next, 15));
  }
}

const listening = (server) => new Promise((done) => server.listen(0, '127.0.0.1', () => done(server.address().port)));

const freePort = async () => {
  const server = createServer();
  const port = await listening(server);
  await new Promise((done) => server.close(done));
  return port;
};

async function startRouter() {
  const dir = mkdtempSync(join(tmpdir(), 'tracker-'));
  const port = await freePort();
  const config = join(dir, 'config.toml');
  writeFileSync(
    config,
    `[server]\nlisten = ["127.0.0.1:${port}"]\ndata_dir = "${dir}/data"\n\n[destinations.warehouse]\ntype = "sqlite"\n`,
  );
  const child = spawn(program, ['--config', config], { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'], env: {} });
  let log = '';
  child.stderr.on('data', (text) => (log += text));
  const url = `http://127.0.0.1:${port}`;
  await until(
    'the router is ready',
    async () => (await fetch(`${url}/ready`).catch(() => ({}))).ok,
    () => log,
  );
  const sql = async (query) => {
    const said = await promisify(execFile)(program, ['--config', config, '--json', 'sql', query], { env: {} });
    return JSON.parse(said.stdout);
  };
  const stop = async () => {
    const gone = new Promise((done) => child.on('exit', done));
    child.kill('SIGTERM');
    await gone;
    rmSync(dir, { recursive: true });
  };
  return { port, url, sql, stop };
}

before(async () => {
  router = await startRouter();
  browser = await chromium.launch({
    executablePath: browserPath,
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
    args: ['--no-sandbox', '--disable-gpu'],
  });
});

after(async () => {
  await browser?.close();
  await router?.stop();
});

/** Rows of the router's warehouse. */
export const sql = (query) => router.sql(query);

const TYPES = { js: 'text/javascript; charset=utf-8', html: 'text/html; charset=utf-8', json: 'application/json' };

/** A site with pages of this test. Unknown pages are empty; names under `/missing` are not there. */
async function startSite() {
  const pages = new Map();
  const headers = {};
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://site');
    const body = pages.get(pathname);
    response.writeHead(body === undefined && pathname.startsWith('/missing') ? 404 : 200, {
      'content-type': pathname.endsWith('.js') ? TYPES.js : TYPES.html,
      ...headers,
    });
    response.end(body ?? '<!doctype html><title>Empty</title>');
  });
  const port = await listening(server);
  return { url: `http://127.0.0.1:${port}`, pages, headers, close: () => close(server) };
}

const close = (server) => {
  server.closeAllConnections();
  return new Promise((done) => server.close(done));
};

const bodyOf = async (request) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
};

const forward = (request, body) =>
  new Promise((done, failed) => {
    const passed = ask(
      { host: '127.0.0.1', port: router.port, method: request.method, path: request.url, headers: request.headers },
      async (answer) => done({ status: answer.statusCode, headers: answer.headers, body: await bodyOf(answer) }),
    );
    passed.on('error', failed);
    passed.end(body);
  });

/** Serves dist, and takes batches: what is in `faults` is answered first, then the router answers. */
async function startHub(dist) {
  const requests = [];
  const faults = [];
  const server = createServer(async (request, response) => {
    const file = /^\/(tracker[\w.]*\.js)$/.exec(request.url.split('?')[0]);
    if (file) {
      response.writeHead(200, { 'content-type': TYPES.js, 'access-control-allow-origin': '*' });
      return response.end(readFileSync(join(dist, file[1])));
    }
    const body = await bodyOf(request).catch(() => undefined);
    if (!body) return;
    const text = body.toString();
    const taken = { method: request.method, headers: request.headers, text, at: Date.now(), messages: [] };
    if (request.method === 'POST') taken.messages = JSON.parse(text).batch;
    const fault = request.method === 'POST' ? faults.shift() : undefined;
    if (fault === 'cut') {
      taken.status = 0;
      requests.push(taken);
      return request.socket.destroy();
    }
    const answer =
      fault ?? (await forward(request, body).catch((error) => ({ status: 502, headers: {}, body: `${error}` })));
    taken.status = answer.status;
    requests.push(taken);
    const cors = fault && {
      'access-control-allow-origin': request.headers.origin ?? '*',
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': 'Retry-After',
    };
    response.writeHead(answer.status, { ...cors, ...answer.headers });
    response.end(answer.body);
  });
  const port = await listening(server);
  const accepted = () => requests.filter(({ status }) => status === 200).flatMap(({ messages }) => messages);
  const hub = {
    url: `http://127.0.0.1:${port}`,
    requests,
    faults,
    /** All messages that the router took, in order. */
    accepted,
    named: (name) => accepted().filter(({ event, type }) => event === name || type === name),
    /** Waits until that many messages of this event or type were taken; returns them. */
    some: (name, count = 1) =>
      until(
        `${count} × ${name}`,
        () => hub.named(name).length >= count && hub.named(name),
        () => JSON.stringify(requests.map(({ status, messages }) => [status, messages.map((m) => m.event ?? m.type)])),
      ),
    one: async (name) => (await hub.some(name))[0],
    close: () => close(server),
  };
  return hub;
}

const escape = (text) => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;');

/** The script tag of the tracker, with its key and these options. */
export const script = (hub, options = {}, file = 'tracker.js') =>
  `<script src="${hub.url}/${file}" data-write-key="web" data-options="${escape(JSON.stringify(options))}"></script>`;

/** Options of a page that says nothing by itself. */
export const QUIET = {
  autoTrackPageViews: false,
  autoTrackClicks: false,
  autoTrackErrors: false,
  autoTrackEngagement: false,
  sampleVitals: 0,
};

export const html = (head, body = '') =>
  `<!doctype html><html><head><meta charset="utf-8"><title>Shop</title>${head}</head><body>${body}</body></html>`;

/**
 * A test in the browser. It gets `page`, `context`, `hub`, `site`, and `open(options, body, path)`, which loads a page
 * with the tracker; `flush()` sends what waits there.
 */
export function browserTest(name, run, { dist = join(home, 'dist'), context: settings = {} } = {}) {
  test(name, async () => {
    const site = await startSite();
    const hub = await startHub(dist);
    const context = await browser.newContext(settings);
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    const tools = {
      site,
      hub,
      context,
      page,
      put: (options = {}, body = '', path = '/', file) => site.pages.set(path, html(script(hub, options, file), body)),
      open: async (options = {}, body = '', path = '/', file) => {
        tools.put(options, body, path.split(/[?#]/)[0], file);
        await page.goto(site.url + path);
      },
      flush: () => page.evaluate(() => window.opentrack.flush()),
      /** Sends a last event and waits for it: what was sent before has arrived, what has not will not. */
      settled: async () => {
        await page.evaluate(() => {
          window.opentrack.track('The End');
          window.opentrack.flush();
        });
        await hub.one('The End');
      },
    };
    try {
      await run(tools);
    } finally {
      await context.close();
      await hub.close();
      await site.close();
    }
  });
}
