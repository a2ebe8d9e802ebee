import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ROOT } from './root.ts';

/** What the scripts read of package.json. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly bin: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** The package.json of this repository. */
export function readManifest(): Manifest {
  return JSON.parse(readFileSync(resolve(ROOT, 'package.json'), 'utf8')) as Manifest;
}
