import type { ICruiseOptions, ICruiseResult, IFlattenedRuleSet } from 'dependency-cruiser';
import { cruise } from 'dependency-cruiser';

type Rule = NonNullable<IFlattenedRuleSet['forbidden']>[number];

/**
 * What each folder of src may import besides itself. `relay` and `control` are not allowed near a key: that they cannot
 * read a message shows here.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  streams: ['base'],
  actors: ['base', 'streams'],
  'actors/channel': ['base', 'streams', 'actors', 'mls', 'transport'],
  mls: ['base'],
  transport: ['base', 'streams'],
  inspection: ['base', 'streams', 'actors', 'actors/channel', 'transport'],
  client: ['base', 'streams', 'actors', 'actors/channel', 'mls', 'transport', 'inspection'],
  // A simulated world is made of clients, as its users are.
  replay: ['base', 'streams', 'actors', 'actors/channel', 'mls', 'transport', 'client'],
  relay: ['base', 'streams', 'transport'],
  control: ['base', 'streams', 'transport', 'relay'],
  cli: [
    'base',
    'streams',
    'actors',
    'actors/channel',
    'mls',
    'transport',
    'client',
    'inspection',
    'replay',
    'relay',
    'control',
  ],
};

/** A pattern for the files of a folder of src, without those of a folder inside that has a row of its own. */
function filesOf(folder: string): string {
  const inner = Object.keys(MAY_IMPORT)
    .filter((other) => other.startsWith(`${folder}/`))
    .map((other) => `${other.slice(folder.length + 1)}/`);
  return `^src/${folder}/${inner.length === 0 ? '' : `(?!${inner.join('|')})`}`;
}

const folderRules: readonly Rule[] = Object.entries(MAY_IMPORT).map(([folder, others]) => ({
  name: `${folder}-imports`,
  comment: `src/${folder} may import ${others.length === 0 ? 'no other folder' : others.join(', ')}.`,
  severity: 'error',
  from: { path: filesOf(folder) },
  to: { path: '^src/', pathNot: [folder, ...others].map(filesOf) },
}));

const rules: readonly Rule[] = [
  ...folderRules,
  {
    name: 'known-folders',
    comment: 'A new folder of src needs a row in scripts/import-rules.ts.',
    severity: 'error',
    from: { path: '^src/[^/]+/', pathNot: Object.keys(MAY_IMPORT).map(filesOf) },
    to: {},
  },
  {
    name: 'entry-imports',
    comment: 'The entry point is for agents. Servers have their own entry points.',
    severity: 'error',
    from: { path: '^src/[^/]+$' },
    to: { path: '^src/(relay|control|cli)/' },
  },
  {
    name: 'through-the-index',
    comment: "Another folder's index.ts lists what may be used of it. (base has none: all of it may be used.)",
    severity: 'error',
    from: { path: '^src/([^/]+)/' },
    to: { path: '^src/[^/]+/', pathNot: ['^src/$1/', '^src/base/', '/index\\.ts$'] },
  },
  {
    name: 'blind-servers',
    comment: 'Relay and control plane must not reach keys or plaintext by any path.',
    severity: 'error',
    from: { path: '^src/(relay|control)/' },
    to: { path: '^src/(mls|actors|client)/|(^|/)node_modules/ts-mls/|^ts-mls$', reachable: true },
  },
  {
    name: 'mls-library',
    comment: 'Only src/mls knows which MLS library is used.',
    severity: 'error',
    from: { path: '^src/', pathNot: '^src/mls/' },
    to: { path: '(^|/)node_modules/ts-mls/|^ts-mls$' },
  },
  {
    name: 'network-libraries',
    comment: 'Only the wire and the servers touch the network; inspection has a socket of this machine.',
    severity: 'error',
    from: { path: '^src/', pathNot: '^src/(transport|inspection|relay|control|cli)/' },
    to: { path: '(^|/)node_modules/@grpc/|^@grpc/|^(node:)?(net|tls|dgram|https?|http2)$' },
  },
  {
    name: 'no-cycles',
    comment: 'Two files that need each other are one idea, or hide a third.',
    severity: 'error',
    from: { path: '^(src|scripts)/' },
    to: { circular: true },
  },
  {
    name: 'src-stands-alone',
    comment: 'What is published uses nothing of what is not.',
    severity: 'error',
    from: { path: '^src/' },
    to: { path: '^(examples|test|bench|scripts|dist)/|^skytale-rx(/|$)' },
  },
  {
    name: 'tests-are-a-leaf',
    comment: 'Nobody builds on tests, examples or benchmarks. (Tests test examples too.)',
    severity: 'error',
    from: { path: '^(src|examples|bench|scripts)/' },
    to: { path: '^(examples|test|bench)/', pathNot: '^$1/' },
  },
  {
    name: 'examples-are-users',
    comment: 'An example imports what a user can import.',
    severity: 'error',
    from: { path: '^examples/' },
    to: { path: '^src/', pathNot: '^src/(relay/|control/|replay/)?index\\.ts$' },
  },
  {
    name: 'no-dev-dependencies',
    comment: 'What src imports must be installed with the package.',
    severity: 'error',
    from: { path: '^src/' },
    to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm-peer'] },
  },
  {
    name: 'optional-is-optional',
    comment: 'A static import, even of a type, of an optional dependency breaks those who do not have it.',
    severity: 'error',
    from: { path: '^src/' },
    to: { dependencyTypes: ['npm-optional'], dependencyTypesNot: ['require'], dynamic: false },
  },
  {
    name: 'declared-dependencies',
    comment: 'package.json must name it, and it must resolve.',
    severity: 'error',
    from: { path: '^(src|test|examples|bench|scripts)/' },
    // The package's own name leads to dist, which is there only after a build.
    to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'unknown'], pathNot: '^skytale-rx(/|$)' },
  },
  {
    name: 'process-tests-by-name',
    comment: 'Tests that start processes are named *.process.test.ts: only two of them run at a time.',
    severity: 'error',
    from: { path: '^test/.+\\.test\\.ts$', pathNot: '\\.process\\.test\\.ts$' },
    to: { path: '^(node:)?child_process$', reachable: true },
  },
];

/** Applies the rules to folders of the source tree that stands in `baseDir`. */
export async function cruiseImports(baseDir: string, folders: readonly string[]): Promise<ICruiseResult> {
  const options: ICruiseOptions = {
    baseDir,
    validate: true,
    ruleSet: { forbidden: [...rules] },
    doNotFollow: { path: '(^|/)node_modules/|^dist/' },
    // Types are part of the architecture: an `import type` is an edge too.
    tsPreCompilationDeps: true,
    combinedDependencies: false,
  };
  const { output } = await cruise([...folders], options, {
    exportsFields: ['exports'],
    conditionNames: ['import', 'types', 'node', 'default'],
  });
  if (typeof output === 'string') throw new Error('dependency-cruiser answered with text instead of a result');
  return output;
}

/** The names of all rules. */
export const ruleNames: readonly string[] = rules.map(({ name }) => name ?? '');
