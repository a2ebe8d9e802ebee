/**
 * `npm run lockfile:check`: the lockfile installs everywhere, and installs the same everywhere.
 *
 * npm writes a lockfile without an entry for a platform package that it could not find at that moment, and `npm ci`
 * then refuses it on that platform. So each optional dependency that is named must have its entry.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { readManifest } from './lib/manifest.ts';
import { ROOT } from './lib/root.ts';
import { finish } from './lib/run.ts';

interface LockedPackage {
  readonly version?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly link?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const EXACT = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/;

const lock = JSON.parse(readFileSync(resolve(ROOT, 'package-lock.json'), 'utf8')) as {
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, LockedPackage>>;
};
const manifest = readManifest();
const problems: string[] = [];

/** Whether Node would find `name` from the package at `path`: beside it, or in a folder above. */
function isLocked(path: string, name: string): boolean {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
    if (lock.packages[at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`] !== undefined) return true;
    if (at === '') return false;
  }
}

if (lock.lockfileVersion !== 3) problems.push(`lockfileVersion is ${lock.lockfileVersion}, expected 3`);
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const name of Object.keys(entry.optionalDependencies ?? {})) {
    if (!isLocked(path, name)) problems.push(`${path || 'package.json'} names ${name}, which has no entry`);
  }
  if (path === '') continue;
  if (!EXACT.test(entry.version ?? '')) problems.push(`${path} has no exact version`);
  if (entry.integrity === undefined) problems.push(`${path} has no integrity hash`);
  if (entry.resolved !== undefined)
    problems.push(`${path} is bound to one registry (run npm install with --omit-lockfile-registry-resolved)`);
}

for (const field of ['dependencies', 'devDependencies', 'optionalDependencies'] as const) {
  for (const [name, version] of Object.entries(manifest[field] ?? {})) {
    const locked = lock.packages[`node_modules/${name}`]?.version;
    if (!EXACT.test(version)) problems.push(`package.json asks for ${name} ${version}, which is not an exact version`);
    else if (locked !== version)
      problems.push(`package.json asks for ${name} ${version}, locked is ${locked ?? 'none'}`);
  }
}
finish('lockfile:check', problems, `${Object.keys(lock.packages).length - 1} packages, complete and exact`);
