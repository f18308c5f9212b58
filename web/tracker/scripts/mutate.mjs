// Takes the options away and breaks the rules of test/options.mjs one by one, `npm run mutate [NAME …]`: each time the test that
// proves it must fail. And all of these tests must pass on the tracker as it is.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PROOFS, RULES } from '../test/options.mjs';

const home = dirname(dirname(fileURLToPath(import.meta.url)));
const chosen = process.argv.slice(2);
const run = (command, env) => execFileSync(process.execPath, command, { cwd: home, env: { ...process.env, ...env } });
const mutants = [
  ...Object.entries(PROOFS).map(([name, [file, test]]) => ({ name, file, test, flag: '--without' })),
  ...RULES.map((rule) => ({ ...rule, flag: '--break' })),
].filter(({ name }) => !chosen.length || chosen.includes(name));

/** What these tests of a file say against the tracker of this folder, on one line; nothing when they all pass. */
function complaint(file, names, dist, patience) {
  const either = names.map((name) => name.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')).join('|');
  try {
    const said = run(['--test', `--test-name-pattern=/^(${either})$/`, `test/browser/${file}.test.mjs`], {
      TRACKER_DIST: dist,
      ...(patience && { PATIENCE: patience }),
    });
    if (!said.toString().includes(`\n# pass ${names.length}\n`))
      throw new Error(`not these tests alone ran: ${names}\n${said}`);
    return '';
  } catch (error) {
    const said = `${error.stdout}`;
    if (error.status !== 1) throw error;
    if (said.includes("failureType: 'hookFailed'")) throw new Error(`browser or router did not start:\n${said}`);
    const [, reason = said] = /\n {2}error: (?:\|-)?(.*(?:\n {4}.*)*)/.exec(said) ?? [];
    return reason.replace(/\s+/g, ' ').trim().slice(0, 200);
  }
}

let survivors = 0;
const note = (isSeen, what, why) => {
  survivors += isSeen ? 0 : 1;
  console.log(`${isSeen ? 'seen    ' : 'NOT SEEN'} ${what}${why && `\n         ${why}`}`);
};

for (const file of new Set(mutants.map(({ file }) => file))) {
  const names = new Set(mutants.filter((mutant) => mutant.file === file).map(({ test }) => test));
  const against = complaint(file, [...names], join(home, 'dist'));
  note(!against, `all of ${file} passing as it is`, against);
}
for (const { name, file, test, flag } of mutants) {
  const dir = mkdtempSync(join(tmpdir(), 'mutant-'));
  run(['scripts/build.mjs', '--out', dir, '--no-types', flag, name]);
  // What a broken tracker never does is not waited for so long.
  const against = complaint(file, [test], dir, '15000');
  note(against, `${name}: ${test}`, against);
  rmSync(dir, { recursive: true });
}
process.exitCode = survivors ? 1 : 0;
