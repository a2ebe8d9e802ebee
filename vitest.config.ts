import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Tests of what people start from a shell. They wait for output and not for time, so two of them may run side by side. */
const COMMANDS = ['test/cli/**/*.process.test.ts', 'test/demo/*.process.test.ts', 'test/examples/*.process.test.ts'];

/**
 * Three groups, one after the other. Most test files run side by side. Files named `*.process.test.ts` start or kill
 * processes: they run one at a time, so that none of them times out because the others took the cores, but for those
 * that run commands.
 */
const config: ViteUserConfig = defineConfig({
  resolve: {
    alias: [
      { find: /^skytale-rx$/, replacement: source('./src/index.ts') },
      { find: /^skytale-rx\/relay$/, replacement: source('./src/relay/index.ts') },
      { find: /^skytale-rx\/control$/, replacement: source('./src/control/index.ts') },
      { find: /^skytale-rx\/replay$/, replacement: source('./src/replay/index.ts') },
    ],
  },
  test: {
    setupFiles: ['test/setup/open-resources.ts'],
    restoreMocks: true,
    coverage: { provider: 'v8', include: ['src/**/*.ts'], exclude: ['src/**/gen/**'] },
    projects: [
      {
        extends: true,
        test: {
          name: 'units',
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.process.test.ts'],
          maxWorkers: Math.min(availableParallelism(), 4),
          testTimeout: 20_000,
          hookTimeout: 20_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'processes',
          include: ['test/**/*.process.test.ts'],
          exclude: COMMANDS,
          maxWorkers: 1,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'commands',
          include: COMMANDS,
          globalSetup: ['test/setup/compiled-command.ts'],
          maxWorkers: Math.min(availableParallelism(), 2),
          testTimeout: 120_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});

export default config;
