// A router of its own for the tests of the console: its configuration, a destination that can be told what to answer, and
// events from which every page has something to show.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const home = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
export const root = dirname(dirname(home));
const program = process.env.OPENTRACK ?? join(root, 'target/debug/opentrack');
/** Time (ms) after which a condition that has not come true fails its test. */
const PATIENCE = 60_000;

/** Waits until `check` returns something true. */
export async function until(what, check, said = () => '') {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (Date.now() > end) assert.fail(`not seen: ${what} ${said()}`);
    await new Promise((next) => setTimeout(next, 25));
  }
}

let asked = 0;
/** A port that nobody listens on and that no outgoing connection gets. */
async function freePort() {
  for (;;) {
    const port = 20_000 + ((process.pid * 67 + asked++) % 4900);
    const server = createServer();
    const bound = await new Promise((done) => {
      server.once('error', () => done(false));
      server.listen(port, '127.0.0.1', () => done(true));
    });
    if (!bound) continue;
    await new Promise((done) => server.close(done));
    return port;
  }
}

/** A destination that answers what `answer` returns for the request's headers: a status and words. */
export async function startReceiver(answer) {
  const batches = [];
  const receiver = { answer, batches };
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = JSON.parse(Buffer.concat(parts).toString());
    const [status, words] = receiver.answer(request.headers, batches.length, body);
    batches.push({ status, body });
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ message: words }));
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  receiver.url = `http://127.0.0.1:${server.address().port}/`;
  receiver.close = () => {
    server.closeAllConnections();
    return new Promise((done) => server.close(done));
  };
  return receiver;
}

/** A router with these further lines of `[server]` and tables of its configuration, which can be written anew while it runs. */
export async function startRouter(tables, env = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'console-'));
  const port = await freePort();
  const config = join(dir, 'config.toml');
  const write = (text) => writeFileSync(config, `[server]\nlisten = ["127.0.0.1:${port}"]\ndata_dir = "${dir}/data"\n${text}`);
  write(tables);
  const url = `http://127.0.0.1:${port}`;
  let child;
  let log = '';
  const start = async () => {
    child = spawn(program, ['--config', config], { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'], env });
    child.stderr.on('data', (text) => (log += text));
    await until(
      'the router is ready',
      async () => (await fetch(`${url}/ready`).catch(() => ({}))).ok,
      () => log,
    );
  };
  const end = async () => {
    const gone = new Promise((done) => child.on('exit', done));
    child.kill('SIGTERM');
    await gone;
  };
  const json = async (path, init) => (await fetch(url + path, init)).json();
  const post = async (key, calls) => {
    const answer = await fetch(`${url}/v1/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Basic ${btoa(`${key}:`)}` },
      body: JSON.stringify({ batch: calls }),
    });
    assert.equal(answer.status, 200, await answer.text());
  };
  const stop = async () => {
    await end();
    rmSync(dir, { recursive: true, force: true });
  };
  await start();
  return { url, json, post, write, start, end, stop, log: () => log };
}
