// Builds dist/ from src/: one page, one script, one style sheet. The names in the page hold the hashes of the files, so that
// a browser may keep them for ever. `--out DIR` writes elsewhere; `--watch` builds at each change.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { context } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const flag = process.argv.indexOf('--out');
const out = flag > 0 ? resolve(process.argv[flag + 1]) : join(root, 'dist');
mkdirSync(out, { recursive: true });

/** The first 16 digits of the SHA-256, as the router calculates them. */
const digits = (bytes) => createHash('sha256').update(bytes).digest('hex').slice(0, 16);

/** Writes a file and its packed forms. */
function write(path, contents) {
  writeFileSync(path, contents);
  writeFileSync(`${path}.gz`, gzipSync(contents, { level: 9 }));
  writeFileSync(`${path}.br`, brotliCompressSync(contents));
}

/**
 * Takes the indentation out of the sources, so that it does not stand in the templates of the script, and the line ends between
 * two marks, which htm drops too; other line ends stay, by which it tells what is text. Snippets are shown as they stand.
 */
const flatten = (text) => text.replace(/\n[ \t]+/g, '\n').replace(/(?<!=)>\n(?=<|\$\{)/g, '>');
const flat = {
  name: 'flat',
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.ts$/ }, ({ path }) =>
      path.startsWith(join(root, 'src')) && !path.includes('snippets')
        ? { contents: flatten(readFileSync(path, 'utf8')), loader: 'ts' }
        : undefined,
    ),
};

/** Writes the page with the names of what it loads. */
function page({ outputFiles = [] }) {
  const text = readFileSync(join(root, 'src/index.html'), 'utf8');
  const named = outputFiles.reduce((html, { path, contents }) => {
    const [stem, type] = path.endsWith('.css') ? ['CSS', 'css'] : ['JS', 'js'];
    write(path, contents);
    return html.replace(stem, `/console.${digits(contents)}.${type}`);
  }, text);
  writeFileSync(join(out, 'index.html'), named);
}

const made = await context({
  absWorkingDir: root,
  entryPoints: { console: 'src/main.ts' },
  outdir: out,
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  charset: 'utf8',
  legalComments: 'none',
  logLevel: 'warning',
  write: false,
  plugins: [flat, { name: 'page', setup: ({ onEnd }) => onEnd(page) }],
});

if (process.argv.includes('--watch')) {
  await made.watch();
  console.log(`watching; writing to ${out}`);
} else {
  await made.rebuild();
  await made.dispose();
}
