// web-vitals as this tracker uses it, as a plugin of esbuild. The tracker passes no options to it, and so asks neither for
// soft navigations nor for every change: here that is written as constants, and the minifier drops what only they reach.
// Nothing else of the library is changed. An edit that finds no place any more fails the build.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const FILES = /web-vitals[\\/]dist[\\/]modules[\\/].*\.js$/;

/** What is edited, and what it becomes. */
const EDITS = [
  [/\bopts\.\w+/g, 'undefined'],
  [/const softNavsEnabled = .*/g, ''],
  [/\bsoftNavsEnabled\b|\bcheckSoftNavsEnabled\(opts\)/g, 'false'],
  [/\w[\w.]* === '(soft-navigation|interaction-contentful-paint)'/g, 'false'],
  [/\w[\w.]* !== 'soft-navigation'/g, 'true'],
];

export const vitals = (root) => ({
  name: 'web-vitals',
  setup({ onStart, onEnd, onResolve, onLoad }) {
    const found = EDITS.map(() => 0);
    onStart(() => void found.fill(0));
    const home = join(root, 'node_modules/web-vitals/dist/modules');
    onResolve({ filter: /^web-vitals(\/attribution)?$/ }, ({ path }) => ({
      path: join(home, path.slice('web-vitals'.length), 'index.js'),
      sideEffects: false,
    }));
    onLoad({ filter: FILES }, async ({ path }) => {
      let contents = await readFile(path, 'utf8');
      EDITS.forEach(([from, to], index) => {
        contents = contents.replace(from, () => {
          found[index]++;
          return to;
        });
      });
      // As TypeScript: its fields without a value cost nothing.
      return { contents, loader: 'ts' };
    });
    onEnd(() => ({
      errors: found.flatMap((count, index) =>
        count ? [] : [{ text: `web-vitals has no ${EDITS[index][0]} any more` }],
      ),
    }));
  },
});
