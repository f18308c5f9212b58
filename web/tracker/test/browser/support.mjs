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
import { isDeepStrictEqual, promisify } from 'node:util';
import { chromium } from 'playwright-core';

export const home = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const root = dirname(dirname(home));
/** Time (ms) after which a condition that has not come true fails its test. */
const PATIENCE = +(process.env.PATIENCE ?? 30_000);
/** The same (ms) for a router that starts, which `PATIENCE` is not about. */
const START = 60_000;

const program = process.env.OPENTRACK ?? join(root, 'target/debug/opentrack');
const browserPath = process.env.CHROMIUM ?? '/usr/bin/chromium';

let browser;
let router;

/** Waits until `check` returns something true; looks again whenever it is told, and often. */
export async function until(what, check, said = () => '', patience = PATIENCE) {
  const end = Date.now() + patience;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (Date.now() > end) assert.fail(`not seen: ${what} ${said()}`);
    await new Promise((next) => setTimeout(next, 15));
  }
}

const listening = (server) => new Promise((done) => server.listen(0, '127.0.0.1', () => done(server.address().port)));

let asked = 0;
/**
 * A port that nobody listens on and that no outgoing connection gets, so that it is still free when it is used, and again
 * after a restart. Processes that run at the same time begin at different places.
 */
export const freePort = async () => {
  for (;;) {
    const port = 25_000 + ((process.pid * 67 + asked++) % 4900);
    const server = createServer();
    const bound = await new Promise((done) => {
      server.once('error', () => done(false));
      server.listen(port, '127.0.0.1', () => done(true));
    });
    if (!bound) continue;
    await new Promise((done) => server.close(done));
    return port;
  }
};

/**
 * A router with a warehouse and these settings on top: a text, or `{ server, more }` with lines of `[server]`. `kill` ends it as a crash would; `start` runs it again, on the same
 * port and the same data.
 */
export async function startRouter(settings = '') {
  const { server = '', more = '' } = typeof settings === 'string' ? { more: settings } : settings;
  const dir = mkdtempSync(join(tmpdir(), 'tracker-'));
  const port = await freePort();
  const config = join(dir, 'config.toml');
  writeFileSync(
    config,
    `[server]\nlisten = ["127.0.0.1:${port}"]\ndata_dir = "${dir}/data"\n${server}\n\n[destinations.warehouse]\ntype = "sqlite"\n${more}`,
  );
  const url = `http://127.0.0.1:${port}`;
  let child;
  const start = async () => {
    let log = '';
    child = spawn(program, ['--config', config], { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'], env: {} });
    child.stderr.on('data', (text) => (log += text));
    await until(
      'the router is ready',
      async () => (await fetch(`${url}/ready`).catch(() => ({}))).ok,
      () => log,
      START,
    );
  };
  const end = async (signal) => {
    const gone = new Promise((done) => child.on('exit', done));
    child.kill(signal);
    await gone;
  };
  const sql = async (query) => {
    const said = await promisify(execFile)(program, ['--config', config, '--json', 'sql', query], { env: {} });
    return JSON.parse(said.stdout);
  };
  /** Waits until the warehouse answers a query with these rows; a table that is not there yet has none. */
  const rows = async (query, expected) => {
    let found;
    const same = async () => {
      found = await sql(query).catch(() => []);
      return isDeepStrictEqual(found, expected);
    };
    await until(`${query} gives ${JSON.stringify(expected)}`, same, () => `but ${JSON.stringify(found)}`);
  };
  const stop = async () => {
    await end('SIGTERM');
    rmSync(dir, { recursive: true });
  };
  await start();
  return { port, url, sql, rows, start, kill: () => end('SIGKILL'), stop };
}

before(async () => {
  router = await startRouter();
  browser = await chromium.launch({
    executablePath: browserPath,
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
    // Names below these, so that pages have sites, and sites have cookies.
    args: ['--no-sandbox', '--disable-gpu', '--host-resolver-rules=MAP *.example 127.0.0.1'],
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
export async function startSite() {
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
  return { port, url: `http://127.0.0.1:${port}`, pages, headers, close: () => close(server) };
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

const forward = (router, request, body) =>
  new Promise((done, failed) => {
    const passed = ask(
      { host: '127.0.0.1', port: router.port, method: request.method, path: request.url, headers: request.headers },
      async (answer) => done({ status: answer.statusCode, headers: answer.headers, body: await bodyOf(answer) }),
    );
    passed.on('error', failed);
    passed.end(body);
  });

/**
 * Serves dist, and takes batches: what is in `faults` is answered first, then the router answers. `cut` is no answer to what
 * the router never saw, `lost` none to what it has stored.
 */
async function startHub(dist, router) {
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
    const known = fault !== 'lost' && fault;
    const answer = known || (await forward(router, request, body).catch(() => undefined));
    taken.status = answer?.status ?? 0;
    requests.push(taken);
    // No router there; or it has stored it, and nobody is told.
    if (!answer || fault === 'lost') return request.socket.destroy();
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

/** Stops the clock of the page before it is loaded, so that only `page.clock.runFor` moves it. */
export const freeze = async (page) => {
  await page.clock.install({ time: 0 });
  await page.clock.pauseAt(1000);
};

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
 * with the tracker; `flush()` sends what waits there. `router` is the settings of a router of its own, or makes them of
 * the site.
 */
export function browserTest(name, run, { dist = home + '/dist', context: settings = {}, router: own } = {}) {
  test(name, async () => {
    const site = await startSite();
    const behind = own === undefined ? router : await startRouter(typeof own === 'function' ? own(site) : own);
    const hub = await startHub(process.env.TRACKER_DIST ?? dist, behind);
    const context = await browser.newContext(settings);
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    const tools = {
      site,
      hub,
      router: behind,
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
      if (behind !== router) await behind.stop();
    }
  });
}
