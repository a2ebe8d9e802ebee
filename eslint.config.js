import { defineConfig, globalIgnores } from 'eslint/config';
import rxjsX from 'eslint-plugin-rxjs-x';
import tseslint from 'typescript-eslint';

const CLOCK = 'Time is a port: take a Clock (src/base/clock.ts).';
const RANDOM = 'Randomness is a port: take a Random (src/base/random.ts).';

/** RxJS functions that read or wait on the machine's clock unless they are told otherwise. */
const TIMED_OPERATORS = [
  'auditTime',
  'bufferTime',
  'debounceTime',
  'delay',
  'interval',
  'sampleTime',
  'throttleTime',
  'timeInterval',
  'timeout',
  'timer',
  'timestamp',
  'windowTime',
];

export default defineConfig(
  globalIgnores(['dist/', 'coverage/', '.cache/', 'src/**/gen/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error', reportUnusedInlineConfigs: 'error' } },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, rxjsX.configs.strict],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      eqeqeq: 'error',
      'no-cond-assign': 'error',
      'no-control-regex': 'error',
      'no-empty': 'error',
      'no-fallthrough': 'error',
      'no-regex-spaces': 'error',
      'no-self-compare': 'error',
      'no-unsafe-finally': 'error',
      'no-useless-escape': 'error',
      'preserve-caught-error': 'error',
      'no-restricted-syntax': ['error', { selector: 'ExportAllDeclaration', message: 'List exports one at a time.' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // `() => clearTimeout(timer)` is the shape of a teardown, `return this.#refuse(…)` that of an early exit.
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', caughtErrors: 'all' }],
      // Some rxjs operators have one deprecated overload, which the rule takes for the whole operator.
      '@typescript-eslint/no-deprecated': 'off',
    },
  },
  { files: ['src/**/*.ts'], ignores: ['src/cli/**', 'src/**/main.ts'], rules: { 'no-console': 'error' } },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/base/**'],
    rules: {
      'no-restricted-globals': [
        'error',
        ...['setTimeout', 'setInterval', 'performance'].map((name) => ({ name, message: CLOCK })),
      ],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: CLOCK },
        ...['setTimeout', 'setInterval', 'performance', 'Date'].map((property) => ({
          object: 'globalThis',
          property,
          message: CLOCK,
        })),
        { object: 'process', property: 'hrtime', message: CLOCK },
        { object: 'Math', property: 'random', message: RANDOM },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportAllDeclaration', message: 'List exports one at a time.' },
        { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: CLOCK },
        { selector: 'CallExpression[callee.name="Date"]', message: CLOCK },
      ],
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          paths: [
            ...['node:timers', 'timers', 'node:timers/promises', 'timers/promises'].map((name) => ({
              name,
              allowImportNames: ['setImmediate'],
              message: CLOCK,
            })),
            ...['node:perf_hooks', 'perf_hooks'].map((name) => ({
              name,
              importNames: ['performance'],
              message: CLOCK,
            })),
            { name: 'rxjs', importNames: TIMED_OPERATORS, message: CLOCK },
          ],
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts', 'examples/**/*.ts', 'bench/**/*.ts', 'scripts/**/*.ts'],
    rules: {
      // An error that nobody handles is thrown by rxjs and an empty source rejects: both fail a test or a script loudly.
      'rxjs-x/no-ignored-error': 'off',
      'rxjs-x/no-ignored-default-value': 'off',
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      // An index that is wrong should throw where it stands.
      '@typescript-eslint/no-non-null-assertion': 'off',
      // A stand-in for something asynchronous has the shape of it.
      '@typescript-eslint/require-await': 'off',
    },
  },
  { files: ['**/*.js'], extends: [tseslint.configs.strict] },
);
