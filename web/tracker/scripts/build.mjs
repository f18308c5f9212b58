// Builds dist/ from src/. TRACKER_ENDPOINT is built in where it is set; `--out DIR` writes elsewhere; `--watch` builds at
// each change; `--serve PORT` also serves the folder to every origin.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { context } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const after = (flag) => process.argv[process.argv.indexOf(flag) + 1];
const out = process.argv.includes('--out') ? resolve(after('--out')) : join(root, 'dist');
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

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

mkdirSync(out, { recursive: true });
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
  types();
}
