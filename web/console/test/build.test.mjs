// The files in dist are those that the source makes, small enough, and tell whose work is in them.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib';

const home = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(home, 'dist');
const read = (file) => readFileSync(join(dist, file));
/** Bytes of the script as `gzip -9` makes them. */
const BUDGET = 60_000;

test('the files in dist are byte for byte those that the source makes', () => {
  const dir = mkdtempSync(join(tmpdir(), 'dist-'));
  try {
    execFileSync(process.execPath, [join(home, 'scripts/build.mjs'), '--out', dir], { env: {} });
    assert.deepEqual(readdirSync(dist).sort(), readdirSync(dir).sort());
    // Other versions of Node.js pack otherwise; what is in the packed forms is looked at below.
    for (const file of readdirSync(dir).filter((name) => !/\.(gz|br)$/.test(name))) {
      assert.ok(read(file).equals(readFileSync(join(dir, file))), `${file}: run npm run build`);
    }
  } finally {
    rmSync(dir, { recursive: true });
  }
});

for (const file of ['console.js', 'console.css']) {
  test(`${file} is the same in every form, and the page names it by its content`, () => {
    assert.ok(gunzipSync(read(`${file}.gz`)).equals(read(file)));
    assert.ok(brotliDecompressSync(read(`${file}.br`)).equals(read(file)));
    const digits = createHash('sha256').update(read(file)).digest('hex').slice(0, 16);
    assert.ok(read('index.html').includes(`"/${file.replace('.', `.${digits}.`)}"`));
  });
}

test(`the script has ${BUDGET} bytes at most`, () => {
  const size = gzipSync(read('console.js'), { level: 9 }).length;
  assert.ok(size <= BUDGET, `${size} bytes`);
});

test('nothing is loaded from elsewhere, and nothing is made of texts at run time', () => {
  const text = read('console.js').toString() + read('console.css').toString();
  const addresses = [...text.matchAll(/https?:\/\/[^\s"'`)]+/g)].map(([address]) => address);
  const known = ['http://www.w3.org/', 'https://shop.example'];
  assert.deepEqual(
    addresses.filter((address) => !known.some((start) => address.startsWith(start))),
    [],
  );
  assert.ok(!/\beval\(|new Function\(|@import/.test(text));
});

test('the licences of what is built in lie beside it', () => {
  const told = readFileSync(join(home, 'LICENSES.md'), 'utf8');
  for (const library of ['preact', '@preact/signals', '@preact/signals-core', 'htm', 'uplot']) {
    const { version, license } = JSON.parse(readFileSync(join(home, 'node_modules', library, 'package.json'), 'utf8'));
    assert.ok(told.includes(`| ${library} | ${version} | ${license} |`), `| ${library} | ${version} | ${license} |`);
  }
});
