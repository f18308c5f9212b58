// The source keeps its rules, and its documentation says what it does.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import './options.test.mjs';

const home = dirname(dirname(fileURLToPath(import.meta.url)));
const read = (path) => readFileSync(join(home, path), 'utf8');
const docs = read('../../docs/tracker.md');
const types = read('src/types.ts');

test('every option is in the table of the documentation, with its default', () => {
  const [, body] = /export interface Options \{([\s\S]*?)\n\}/.exec(types);
  const options = [...body.matchAll(/\/\*\*([\s\S]*?)\*\/\s+(\w+)\?:/g)].map(([, about, name]) => [name, about]);
  const [, table] = /## Options\n\n([\s\S]*?)\n\n/.exec(docs);
  const rows = [...table.matchAll(/^\| `(\w+)` \| (.*?) \|/gm)].map(([, name, value]) => [name, value]);
  assert.deepEqual(rows.map(([name]) => name).sort(), options.map(([name]) => name).sort());
  for (const [name, value] of rows.filter(([, value]) => value.startsWith('`'))) {
    const about = options.find(([option]) => option === name)[1];
    assert.ok(about.replaceAll('`', '').includes(`efault ${value.replaceAll('`', '')}.`), `${name}: ${value}`);
  }
});

test('every ecommerce event is in the documentation', () => {
  const events = [...read('src/commerce.ts').matchAll(/'([A-Z][^']*)'/g)]
    .flatMap(([, text]) => text.split(','))
    .filter(Boolean);
  const said = docs.replace(/\s+/g, ' ');
  assert.equal(events.length, 28);
  assert.deepEqual(
    events.filter((event) => !said.includes(event)),
    [],
  );
});

test('the lint rules and the types hold', () => {
  const run = (...command) => execFileSync(process.execPath, command, { cwd: home, stdio: 'pipe' });
  run('node_modules/typescript/bin/tsc', '--noEmit');
  run('node_modules/eslint/bin/eslint.js', '.');
});
