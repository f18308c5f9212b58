// What the compiler does not see: slips, and who may import whom.
import imports from 'eslint-plugin-import-x';
import typescript from 'typescript-eslint';

/** What each feature may build on; features never know each other. */
const FEATURES = ['clicks', 'commerce', 'errors', 'engagement', 'page', 'vitals', 'vitals-attribution'];
const file = (name) => `./src/${name}.ts`;
const only = (target, allowed, message) => ({
  target: file(target),
  from: './src',
  except: allowed.map((name) => `./${name}.ts`),
  message,
});

const zones = [
  ...FEATURES.map((name) =>
    only(name, ['dom', 'events', 'types', 'view'], 'a feature builds on dom, events, view and types alone'),
  ),
  only('dom', ['types'], 'dom knows nothing of the tracker'),
  only('types', [], 'types hold no code and import nothing'),
  only('store', ['dom', 'types'], 'the store knows no events'),
  only('ids', ['dom', 'store', 'types'], 'ids know no events'),
  only('consent', ['dom', 'store', 'types'], 'consent decides and sends nothing'),
  only('queue', ['dom', 'store', 'types'], 'the queue does not know what events mean'),
  only('layer', ['dom', 'types'], 'the layer hands calls on'),
  only('view', ['dom', 'types'], 'a view is a fact about the page'),
  only('events', ['dom', 'ids', 'queue', 'types', 'view'], 'events know no feature'),
];

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
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    files: ['**/*.mjs'],
    rules: { '@typescript-eslint/no-unused-vars': 'error' },
  },
);
