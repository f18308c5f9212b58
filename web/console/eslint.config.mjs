// What the compiler does not see: slips, who may import whom, and every way by which a text could become markup.
import imports from 'eslint-plugin-import-x';
import typescript from 'typescript-eslint';

const PAGES = ['commerce', 'destinations', 'health', 'live', 'overview', 'performance', 'schema', 'sessions', 'sources'];
const never = (target, from, message) => ({ target: `./src/${target}`, from: `./src/${from}`, message });

const zones = [
  ...PAGES.flatMap((page) =>
    PAGES.filter((other) => other !== page).map((other) =>
      never(`pages/${page}`, `pages/${other}`, 'a page knows no other page; what both need is in ui'),
    ),
  ),
  ...['ui', 'api', 'state'].map((part) => never(part, 'pages', 'pages build on the rest, never the other way round')),
  never('state', 'ui', 'state has no looks'),
  never('api', 'ui', 'the wire has no looks'),
];

const MARKUP = ['innerHTML', 'outerHTML', 'insertAdjacentHTML', 'dangerouslySetInnerHTML', 'write', 'writeln'];

export default typescript.config(
  { ignores: ['dist/**', 'node_modules/**'] },
  ...typescript.configs.recommended,
  {
    files: ['src/**/*.ts'],
    plugins: { import: imports },
    settings: {
      'import-x/resolver-next': [imports.createNodeResolver({ extensions: ['.ts'] })],
    },
    rules: {
      'import/no-restricted-paths': ['error', { basePath: import.meta.dirname, zones }],
      'import/no-cycle': 'error',
      'no-restricted-globals': ['error', 'event', 'name', 'status'],
      'no-restricted-syntax': [
        'error',
        {
          selector: `Identifier[name=/^(${MARKUP.join('|')})$/]`,
          message: 'what the router says is text, never markup',
        },
        { selector: `Literal[value=/^(${MARKUP.join('|')})$/]`, message: 'what the router says is text, never markup' },
      ],
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    files: ['**/*.mjs'],
    rules: { '@typescript-eslint/no-unused-vars': 'error' },
  },
);
