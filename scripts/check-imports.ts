/** `npm run deps`: the arrows between the folders point where docs/architecture.md says. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { cruiseImports } from './import-rules.ts';
import { ROOT } from './lib/root.ts';
import { finish } from './lib/run.ts';

const folders = ['src', 'test', 'examples', 'bench', 'scripts'].filter((folder) => existsSync(resolve(ROOT, folder)));
const { modules, summary } = await cruiseImports(ROOT, folders);

const problems = summary.violations.map(({ from, to, rule, cycle, via }) => {
  const path = cycle ?? via;
  return `${rule.name}: ${from} → ${path === undefined ? to : path.map((step) => step.name).join(' → ')}`;
});
// A parser that does not understand the compiler's version finds nothing, and nothing breaks no rule.
const own = modules.filter(({ source }) => source.startsWith('src/'));
const edges = own.flatMap(({ dependencies }) => dependencies.filter(({ resolved }) => resolved.startsWith('src/')));
if (own.length === 0 || edges.length === 0) problems.push('no modules or no imports were found under src');
finish('deps', problems, `${own.length} modules of src, ${edges.length} imports between them, all as allowed`);
