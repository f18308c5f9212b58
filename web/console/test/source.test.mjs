// The source keeps its rules, and the arithmetic of the pages is right.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const home = dirname(dirname(fileURLToPath(import.meta.url)));
let dir;
let rows;
let metrics;
let client;

/** A module of the source, as JavaScript. */
async function load(path) {
  const outfile = join(dir, path.replaceAll('/', '-').replace('.ts', '.mjs'));
  await build({ entryPoints: [join(home, 'src', path)], outfile, bundle: true, format: 'esm', logLevel: 'warning' });
  return import(outfile);
}

before(async () => {
  dir = mkdtempSync(join(tmpdir(), 'source-'));
  rows = await load('pages/live/rows.ts');
  metrics = await load('pages/health/metrics.ts');
  client = await load('api/client.ts');
});
after(() => rmSync(dir, { recursive: true }));

test('the lint rules and the types hold', () => {
  const run = (...command) => execFileSync(process.execPath, command, { cwd: home, stdio: 'pipe' });
  run('node_modules/typescript/bin/tsc', '--noEmit');
  run('node_modules/eslint/bin/eslint.js', '.');
});

test('a login that was taken and that the browser did not keep is told as such', async (context) => {
  let isKept = false;
  const asked = [];
  context.mock.method(globalThis, 'fetch', async (path, { method = 'GET' }) => {
    asked.push(`${method} ${path}`);
    return new Response(JSON.stringify({ authenticated: isKept, open: false, password: true, scopes: [], csrf: '' }));
  });
  await assert.rejects(client.login({ password: 'right' }), /did not keep the login: production needs https/);
  assert.deepEqual(asked, ['POST /api/session', 'GET /api/session']);
  isKept = true;
  await client.login({ password: 'right' });
});

const frame = (kind, more) => [
  kind,
  {
    message_id: 'm',
    kind: 'track',
    name: 'E',
    source: 'web',
    destination: null,
    outcome: kind,
    reason: null,
    status: null,
    answer: null,
    latency_ms: null,
    at: '2030-01-01T00:00:00Z',
    ...more,
  },
];

test('what is heard of one event is one row, with the last outcome of each destination', () => {
  const tail = new rows.Rows();
  tail.take([
    frame('accepted'),
    frame('attempt', { destination: 'crm', outcome: 'transient', status: 500 }),
    frame('attempt', { destination: 'crm', outcome: 'delivered', status: 200 }),
    frame('settled', { destination: 'crm', outcome: 'delivered' }),
    frame('settled', { destination: 'warehouse', outcome: 'skipped', reason: 'filtered' }),
  ]);
  const [row, ...others] = tail.all();
  assert.equal(others.length, 0);
  assert.deepEqual([row.fates.crm.outcome, row.fates.crm.attempts, row.fates.crm.status], ['delivered', 2, 200]);
  assert.equal(row.fates.warehouse.reason, 'filtered');
});

test('rejected events without an id are rows of their own', () => {
  const tail = new rows.Rows();
  tail.take([1, 2].map(() => frame('rejected', { message_id: null, reason: 'wrong_type' })));
  assert.deepEqual(
    tail.all().map(({ rejected }) => rejected),
    ['wrong_type', 'wrong_type'],
  );
});

test('the window holds the newest rows, and a row that did not change is the same object', () => {
  const tail = new rows.Rows();
  tail.take(Array.from({ length: rows.WINDOW + 7 }, (_, at) => frame('accepted', { message_id: `m${at}` })));
  const before = tail.all();
  assert.deepEqual([before.length, before[0].id, tail.left], [rows.WINDOW, `m${rows.WINDOW + 6}`, 7]);
  tail.take([frame('settled', { message_id: 'm100', destination: 'crm', outcome: 'delivered' })]);
  const changed = tail.all().filter((row, at) => row !== before[at]);
  assert.deepEqual(
    changed.map(({ id }) => id),
    ['m100'],
  );
});

test('a filter looks at names, ids, sources, destinations, kinds and outcomes', () => {
  const tail = new rows.Rows();
  tail.take([frame('accepted'), frame('settled', { destination: 'crm', outcome: 'dead' })]);
  const [row] = tail.all();
  const passes = (more) => rows.passes(row, { text: '', kind: '', outcome: '', ...more });
  assert.deepEqual([{}, { text: 'CRM' }, { text: 'web' }, { kind: 'track' }, { outcome: 'dead' }].map(passes), Array(5).fill(true));
  assert.deepEqual([{ text: 'mail' }, { kind: 'page' }, { outcome: 'delivered' }].map(passes), [false, false, false]);
});

test('a metric is the sum of its labels, and no other one that begins alike', () => {
  const text = 'a_total{k="x y"} 2\na_total{k="z"} 3 1700000000\na_total_more 9\na_total 1\n';
  assert.equal(metrics.sum(text, 'a_total'), 6);
});
