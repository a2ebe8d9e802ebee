/** `npm run build`: compiles src into dist and proves that all that package.json promises is there. */
import { chmodSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';
import { readManifest } from './lib/manifest.ts';
import { ROOT } from './lib/root.ts';
import { finish, runThrough, toolPath } from './lib/run.ts';

const { bin, exports } = readManifest();

rmSync(resolve(ROOT, 'dist'), { recursive: true, force: true });
const code = await runThrough(toolPath('tsc'), ['-p', 'tsconfig.build.json']);

const problems: string[] = code === 0 ? [] : ['the compiler reports errors'];
for (const [entry, target] of Object.entries(exports)) {
  for (const path of typeof target === 'string' ? [target] : [target.types, target.default]) {
    if (!existsSync(resolve(ROOT, path)))
      problems.push(`package.json exports "${entry}" from ${path}, which is missing`);
  }
}
for (const [name, path] of Object.entries(bin)) {
  const file = resolve(ROOT, path);
  if (!existsSync(file)) problems.push(`package.json names ${path} as the command ${name}, but it is missing`);
  else if (!readFileSync(file, 'utf8').startsWith('#!/usr/bin/env node\n')) {
    problems.push(`${path} does not start with #!/usr/bin/env node`);
  } else chmodSync(file, 0o755);
}
finish('build', problems, 'dist is complete');
