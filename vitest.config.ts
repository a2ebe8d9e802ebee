import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** They measure memory, or open ten thousand sockets, and are not to be disturbed. */
const ALONE = ['test/relay/stalled-subscriber.process.test.ts', 'test/relay/idle-connections.process.test.ts'];

/** What is tested as values and steps, for the most part. Its files leave nothing behind that another one could find. */
const PURE = ['test/{base,mls,replay,streams}/**/*.test.ts'];
const PROCESSES = 'test/**/*.process.test.ts';

/** As many test files at a time as there are cores, but not more than `most`. */
const upTo = (most: number): number => Math.min(availableParallelism(), most);

/** The two groups that run side by side, at the same time. */
const SIDE_BY_SIDE = {
  maxWorkers: upTo(4),
  testTimeout: 20_000,
  hookTimeout: 20_000,
  sequence: { groupOrder: 0 },
};

/**
 * Three groups, one after the other. Most test files run side by side, those of the pure parts in processes that they
 * share. Files named `*.process.test.ts` start or kill processes: two of them run at a time, which wait for what they
 * start and not for time, and a few run alone.
 */
const config: ViteUserConfig = defineConfig({
  resolve: {
    alias: [
      { find: /^skytale-rx$/, replacement: source('./src/index.ts') },
      { find: /^skytale-rx\/relay$/, replacement: source('./src/relay/index.ts') },
      { find: /^skytale-rx\/control$/, replacement: source('./src/control/index.ts') },
      { find: /^skytale-rx\/replay$/, replacement: source('./src/replay/index.ts') },
      { find: /^(\.\.\/)+base\/worker-thread\.ts$/, replacement: source('./test/setup/compiled-threads.ts') },
    ],
  },
  test: {
    globalSetup: ['test/setup/compiled-sources.ts'],
    setupFiles: ['test/setup/open-resources.ts'],
    restoreMocks: true,
    coverage: { provider: 'v8', include: ['src/**/*.ts'], exclude: ['src/**/gen/**'] },
    projects: [
      {
        extends: true,
        test: {
          ...SIDE_BY_SIDE,
          name: 'units',
          include: ['test/**/*.test.ts'],
          exclude: [PROCESSES, ...PURE],
        },
      },
      {
        extends: true,
        test: {
          ...SIDE_BY_SIDE,
          name: 'pure',
          include: PURE,
          exclude: [PROCESSES],
          // A file of these takes longer to import than to run.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'processes',
          include: [PROCESSES],
          exclude: ALONE,
          maxWorkers: upTo(2),
          testTimeout: 120_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: ALONE,
          maxWorkers: 1,
          testTimeout: 120_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});

export default config;
