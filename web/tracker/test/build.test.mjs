// The files in dist are those that the source makes, and small enough.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const home = dirname(dirname(fileURLToPath(import.meta.url)));
const dist = join(home, 'dist');
const build = (out, env = {}, ...flags) =>
  execFileSync(process.execPath, [join(home, 'scripts/build.mjs'), '--out', out, ...flags], { env: { ...env } });
const within = (run) => {
  const dir = mkdtempSync(join(tmpdir(), 'dist-'));
  try {
    run(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
};

test('the files in dist are byte for byte those that the source makes', () => {
  within((dir) => {
    build(dir);
    assert.deepEqual(readdirSync(dist).sort(), readdirSync(dir).sort());
    for (const file of readdirSync(dir)) {
      assert.ok(readFileSync(join(dist, file)).equals(readFileSync(join(dir, file))), `${file}: run npm run build`);
    }
  });
});

test('an endpoint can be built in', () => {
  within((dir) => {
    build(dir, { TRACKER_ENDPOINT: 'https://collect.example' }, '--no-types');
    assert.match(readFileSync(join(dir, 'tracker.core.js'), 'utf8'), /"https:\/\/collect\.example"/);
  });
});

/** Bytes of `gzip -9`. */
for (const [file, budget] of [
  ['tracker.core.js', 5500],
  ['tracker.js', 9000],
  ['tracker.attr.js', 11500],
]) {
  test(`${file} has ${budget} bytes at most`, () => {
    const size = gzipSync(readFileSync(join(dist, file)), { level: 9 }).length;
    assert.ok(size <= budget, `${size} bytes`);
  });
}
