// Takes the options away one by one, `npm run mutate [OPTION …]`: each time the test that proves the option must fail. And
// each must pass on the tracker as it is.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROOFS } from '../test/options.mjs';

const home = dirname(dirname(fileURLToPath(import.meta.url)));
const chosen = process.argv.slice(2);
const run = (command, env) => execFileSync(process.execPath, command, { cwd: home, env: { ...process.env, ...env } });

/** Whether the test passes with the tracker of this folder. */
function passes([file, name], dist) {
  const pattern = `/^${name.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')}$/`;
  try {
    const said = run(['--test', `--test-name-pattern=${pattern}`, `test/browser/${file}.test.mjs`], {
      TRACKER_DIST: dist,
    });
    if (!/^# pass 1$/m.test(said.toString())) throw new Error(`not one test is "${name}":\n${said}`);
    return true;
  } catch (error) {
    if (error.status === 1) return false;
    throw error;
  }
}

let survivors = 0;
for (const [option, proof] of Object.entries(PROOFS)) {
  if (chosen.length && !chosen.includes(option)) continue;
  const dir = mkdtempSync(join(tmpdir(), 'mutant-'));
  run(['scripts/build.mjs', '--out', dir, '--no-types', '--without', option]);
  const seen = passes(proof, join(home, 'dist')) && !passes(proof, dir);
  rmSync(dir, { recursive: true });
  survivors += seen ? 0 : 1;
  console.log(`${seen ? 'seen    ' : 'NOT SEEN'} ${option}: ${proof[1]}`);
}
process.exitCode = survivors ? 1 : 0;
