import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { cruiseImports, ruleNames } from '../../scripts/import-rules.ts';
import { ROOT } from '../../scripts/lib/root.ts';

/** Imports that must be refused: from, to, and the rule that refuses. Without a rule: the rest of a longer path. */
const FORBIDDEN = [
  ['src/base/a.ts', 'src/streams/index.ts', 'base-imports'],
  ['src/streams/a.ts', 'src/actors/index.ts', 'streams-imports'],
  ['src/streams/b.ts', 'src/mls/index.ts', 'streams-imports'],
  ['src/actors/a.ts', 'src/actors/channel/index.ts', 'actors-imports'],
  ['src/actors/b.ts', 'src/mls/index.ts', 'actors-imports'],
  ['src/actors/channel/a.ts', 'src/client/index.ts', 'actors/channel-imports'],
  ['src/mls/a.ts', 'src/transport/index.ts', 'mls-imports'],
  ['src/mls/b.ts', 'src/streams/index.ts', 'mls-imports'],
  ['src/transport/a.ts', 'src/mls/index.ts', 'transport-imports'],
  ['src/inspection/a.ts', 'src/mls/index.ts', 'inspection-imports'],
  ['src/client/a.ts', 'src/relay/index.ts', 'client-imports'],
  ['src/replay/a.ts', 'src/relay/index.ts', 'replay-imports'],
  ['src/relay/a.ts', 'src/mls/index.ts', 'relay-imports'],
  ['src/relay/b.ts', 'src/actors/index.ts', 'relay-imports'],
  ['src/relay/c.ts', 'src/client/index.ts', 'relay-imports'],
  ['src/control/a.ts', 'src/mls/index.ts', 'control-imports'],
  ['src/control/b.ts', 'src/actors/index.ts', 'control-imports'],
  ['src/cli/a.ts', 'src/index.ts', 'cli-imports'],
  ['src/unheard-of/a.ts', 'src/base/index.ts', 'known-folders'],
  ['src/a.ts', 'src/relay/index.ts', 'entry-imports'],
  ['src/client/b.ts', 'src/transport/inner.ts', 'through-the-index'],
  ['src/relay/d.ts', 'src/relay/e.ts', 'blind-servers'],
  ['src/relay/e.ts', 'src/cli/index.ts', 'relay-imports'],
  ['src/cli/index.ts', 'src/mls/index.ts', undefined],
  ['src/relay/f.ts', 'ts-mls', 'blind-servers'],
  ['src/transport/b.ts', 'ts-mls', 'mls-library'],
  ['src/mls/c.ts', '@grpc/grpc-js', 'network-libraries'],
  ['src/actors/channel/b.ts', 'node:net', 'network-libraries'],
  ['src/streams/one.ts', 'src/streams/two.ts', 'no-cycles'],
  ['src/streams/two.ts', 'src/streams/one.ts', undefined],
  ['src/base/b.ts', 'scripts/index.ts', 'src-stands-alone'],
  ['src/base/c.ts', 'test/index.ts', 'src-stands-alone'],
  ['src/base/e.ts', 'skytale-rx', 'src-stands-alone'],
  ['scripts/a.ts', 'test/index.ts', 'tests-are-a-leaf'],
  ['examples/a.ts', 'src/transport/index.ts', 'examples-are-users'],
  ['src/base/d.ts', 'vitest', 'no-dev-dependencies'],
  ['src/mls/d.ts', '@keyv/sqlite', 'optional-is-optional'],
  ['src/mls/e.ts', 'not-in-package-json', 'declared-dependencies'],
  ['test/a.test.ts', 'node:child_process', 'process-tests-by-name'],
] as const;

/** Imports that must pass. */
const ALLOWED = [
  ['src/good.ts', 'src/client/index.ts'],
  ['src/client/good.ts', 'src/actors/channel/index.ts'],
  ['src/actors/channel/good.ts', 'src/mls/store/index.ts'],
  ['src/actors/channel/fine.ts', 'src/transport/index.ts'],
  ['src/relay/good.ts', 'src/transport/index.ts'],
  ['src/relay/fine.ts', '@grpc/grpc-js'],
  ['src/mls/good.ts', 'ts-mls'],
  ['src/mls/fine.ts', 'src/base/any.ts'],
  ['src/streams/good.ts', 'rxjs'],
  ['test/good.process.test.ts', 'node:child_process'],
  ['test/good.test.ts', 'src/transport/inner.ts'],
  ['test/fine.test.ts', 'examples/any.ts'],
  ['examples/good.ts', 'src/index.ts'],
  ['examples/fine.ts', 'skytale-rx'],
] as const;

let root: string;
let violations: ReadonlySet<string>;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'skytale-rx-imports-'));
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  symlinkSync(join(ROOT, 'package.json'), join(root, 'package.json'));
  const imports = new Map<string, string>();
  for (const [from, to] of [...FORBIDDEN, ...ALLOWED]) {
    const isFile = to.endsWith('.ts');
    if (isFile && !imports.has(to)) imports.set(to, '');
    imports.set(from, isFile ? `${'../'.repeat(from.split('/').length - 1)}${to}` : to);
  }
  for (const [file, specifier] of imports) {
    mkdirSync(join(root, dirname(file)), { recursive: true });
    writeFileSync(join(root, file), specifier === '' ? 'export {};\n' : `export type {} from '${specifier}';\n`);
  }
  const { summary } = await cruiseImports(root, ['src', 'test', 'examples', 'scripts']);
  violations = new Set(summary.violations.map(({ rule, from }) => `${rule.name}: ${from}`));
}, 60_000);

afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('import rules', () => {
  test.each(FORBIDDEN.filter(([, , rule]) => rule !== undefined))('%s must not import %s (%s)', (from, _to, rule) => {
    expect(violations).toContain(`${rule}: ${from}`);
  });

  test.each(ALLOWED)('%s may import %s', (from) => {
    expect([...violations].filter((violation) => violation.endsWith(`: ${from}`))).toEqual([]);
  });

  test('each rule has a planted violation', () => {
    const planted = new Set<string | undefined>(FORBIDDEN.map(([, , rule]) => rule));
    expect(ruleNames.filter((name) => !planted.has(name))).toEqual([]);
  });
});
