// Every option has a browser test that can fail; `npm run mutate` takes the options away one by one and watches them fail.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PROOFS } from './options.mjs';

const home = dirname(dirname(fileURLToPath(import.meta.url)));
const read = (path) => readFileSync(join(home, path), 'utf8');

test('every option names the test that proves it', () => {
  const [, body] = /export interface Options \{([\s\S]*?)\n\}/.exec(read('src/types.ts'));
  const options = [...body.matchAll(/^ {2}(\w+)\?:/gm)].map(([, name]) => name);
  assert.deepEqual(Object.keys(PROOFS).sort(), options.sort());
});

test('every test that proves an option is there', () => {
  const missing = Object.values(PROOFS).filter(([file, name]) => {
    const parts = [...read(`test/browser/${file}.test.mjs`).matchAll(/'\.\/(\w+\.mjs)'/g)];
    const text = parts.map(([, part]) => read(`test/browser/${part}`)).join('');
    // Of a name that is put together, its parts are in the source.
    const made = [...text.matchAll(/browserTest\(\s*`(.+?)\$\{\w+\}/g)].map(([, start]) => start);
    const start = made.find((part) => name.startsWith(part)) ?? '';
    return !text.includes(name) && !text.includes(name.slice(start.length));
  });
  assert.deepEqual(missing, []);
});
