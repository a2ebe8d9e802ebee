import type { KnipConfig } from 'knip';

const config: KnipConfig = {
  entry: [
    'src/index.ts',
    'src/relay/index.ts',
    'src/control/index.ts',
    'src/replay/index.ts',
    'src/**/main.ts',
    'src/**/*-worker.ts',
    // Started as child processes.
    '{examples,bench}/**/*-process.ts',
    'examples/**/main.ts',
    'scripts/*.ts',
    'test/**/*.test.ts',
    'test/setup/*.ts',
    'test/**/programs/*.ts',
  ],
  project: ['{src,test,examples,bench,scripts}/**/*.ts'],
  ignore: ['src/**/gen/**'],
  // A folder's index names the types of what it offers, whether or not somebody has to write them down yet.
  ignoreIssues: { 'src/**/index.ts': ['types'] },
  ignoreExportsUsedInFile: true,
  ignoreDependencies: [
    // ts-mls imports it without declaring it.
    '@noble/hashes',
    // Called by path, in scripts/check-package.ts and scripts/generate-proto.sh.
    '@arethetypeswrong/cli',
    'publint',
    '@bufbuild/protoc-gen-es',
  ],
};

export default config;
