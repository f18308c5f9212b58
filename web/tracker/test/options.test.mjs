// Every option and every rule has a browser test that can fail; `npm run mutate` takes the options away and breaks the rules, one
// by one, and watches them fail.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PROOFS, RULES } from './options.mjs';

const home = dirname(dirname(fileURLToPath(import.meta.url)));
const read = (path) => readFileSync(join(home, path), 'utf8');

test('every option names the test that proves it', () => {
  const [, body] = /export interface Options \{([\s\S]*?)\n\}/.exec(read('src/types.ts'));
  const options = [...body.matchAll(/^ {2}(\w+)\?:/gm)].map(([, name]) => name);
  assert.deepEqual(Object.keys(PROOFS).sort(), options.sort());
});

test('every rule has a name of its own', () => {
  const names = [...Object.keys(PROOFS), ...RULES.map(({ name }) => name)];
  assert.deepEqual(
    names.filter((name, at) => names.indexOf(name) !== at),
    [],
  );
});

test('every test that proves an option or a rule is there', () => {
  const proofs = [...Object.values(PROOFS), ...RULES.map(({ file, test }) => [file, test])];
  const missing = proofs.filter(([file, name]) => {
    const own = read(`test/browser/${file}.test.mjs`);
    const parts = [...own.matchAll(/'\.\/(\w+\.mjs)'/g)].map(([, part]) => read(`test/browser/${part}`));
    const names = [own, ...parts].join('').matchAll(/browserTest\(\s*(['"`])(.+?)\1,/g);
    // Of a name that is put together, what is put in may be anything.
    const forms = [...names].map(([, , text]) =>
      text.split(/\$\{\w+\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')),
    );
    return !forms.some((form) => new RegExp(`^${form.join('.*')}$`).test(name));
  });
  assert.deepEqual(missing, []);
});

test('what breaks a rule is in the source once', () => {
  const stale = RULES.filter(({ module, from }) => read(`src/${module}.ts`).split(from).length !== 2);
  assert.deepEqual(
    stale.map(({ name }) => name),
    [],
  );
});
