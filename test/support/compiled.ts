import { join } from 'node:path';
import { ROOT } from '../../scripts/lib/root.ts';

/** Where the compiler puts what the tests start (test/setup/tsconfig.json). */
export const COMPILED: string = join(ROOT, '.cache/compiled');

/**
 * The JavaScript of a file, as test/setup/compiled-sources.ts has made it before the tests.
 *
 * @param source its path in the repository, such as `src/cli/main.ts`
 */
export function compiled(source: string): string {
  return join(COMPILED, source.replace(/\.ts$/, '.js'));
}
