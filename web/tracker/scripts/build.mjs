// Builds dist/ from src/. TRACKER_ENDPOINT is built in where it is set; `--out DIR` writes elsewhere; `--watch` builds at
// each change; `--serve PORT` also serves the folder to every origin; `--no-types` leaves tracker.d.ts out; `--without OPTION`
// builds a tracker that does not know an option, and `--break RULE` one that breaks a rule of test/options.mjs, to try the tests.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { context } from 'esbuild';
import { minify } from 'terser';
import { RULES } from '../test/options.mjs';
import { vitals } from './vitals.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const after = (flag) => process.argv[process.argv.indexOf(flag) + 1];
const out = process.argv.includes('--out') ? resolve(after('--out')) : join(root, 'dist');
mkdirSync(out, { recursive: true });
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/** A second look at what esbuild has made: some percent fewer bytes for every visitor. */
async function finish({ outputFiles = [] }) {
  for (const { path, text } of outputFiles) {
    const compress = { passes: 3, sequences: false, pure_getters: true };
    const { code } = await minify(text, { ecma: 2020, compress, format: { comments: false } });
    writeFileSync(path, code);
  }
}

/** A tracker whose modules are changed before they are built. */
const changed = (change) => ({
  name: 'changed',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]src[\\/]\w[\w-]*\.ts$/ }, ({ path }) => ({
      contents: change(readFileSync(path, 'utf8'), basename(path, '.ts')),
      loader: 'ts',
    }));
  },
});

/** A tracker to which this option says nothing. */
const without = (option) =>
  changed((text) => text.replaceAll(new RegExp(`\\boptions\\.${option}\\b`, 'g'), 'undefined'));

/** A tracker that breaks this rule. */
function broken(wanted) {
  const { module, from, to } = RULES.find(({ name }) => name === wanted);
  return changed((text, name) => (name === module ? text.replace(from, () => to) : text));
}

const made = await context({
  absWorkingDir: root,
  entryPoints: {
    tracker: 'src/entries/default.ts',
    'tracker.core': 'src/entries/core.ts',
    'tracker.attr': 'src/entries/attribution.ts',
  },
  outdir: out,
  bundle: true,
  minify: true,
  format: 'iife',
  target: 'es2020',
  charset: 'utf8',
  legalComments: 'none',
  define: { ENDPOINT: JSON.stringify(process.env.TRACKER_ENDPOINT ?? ''), VERSION: JSON.stringify(version) },
  logLevel: 'warning',
  write: false,
  // The library's own names for its insides. Segment's name for the key is not one of them.
  mangleProps: /^_[a-z]/,
  reserveProps: /^_writeKey$/,
  tsconfigRaw: { compilerOptions: { useDefineForClassFields: false } },
  plugins: [
    ...(process.argv.includes('--without') ? [without(after('--without'))] : []),
    ...(process.argv.includes('--break') ? [broken(after('--break'))] : []),
    vitals(root),
    { name: 'smaller', setup: ({ onEnd }) => onEnd(finish) },
  ],
});

/** The public types in one file, which any project can copy. */
function types() {
  const made = join(out, '.types');
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  execFileSync(process.execPath, [
    tsc,
    '-p',
    join(root, 'tsconfig.json'),
    '--declaration',
    '--emitDeclarationOnly',
    '--outDir',
    made,
  ]);
  const text = readFileSync(join(made, 'types.d.ts'), 'utf8');
  rmSync(made, { recursive: true });
  const tail = `
declare global {
  interface Window {
    dataLayer: unknown[];
    opentrack?: Tracker;
    track(command: 'config', writeKey: string, options?: Options): void;
    track(command: 'pageView' | 'click' | 'error', properties?: Properties): void;
    track(command: string, ...args: unknown[]): void;
  }
}
`;
  writeFileSync(join(out, 'tracker.d.ts'), text + tail);
}

if (process.argv.includes('--watch')) {
  await made.watch();
  console.log(`watching; ${readdirSync(out).join(', ')} in ${out}`);
  if (process.argv.includes('--serve')) {
    const server = join(root, 'node_modules/http-server/bin/http-server');
    spawn(process.execPath, [server, out, '--cors', '-p', after('--serve'), '-c-1'], { stdio: 'inherit' });
  }
} else {
  await made.rebuild();
  await made.dispose();
  if (!process.argv.includes('--no-types')) types();
}
