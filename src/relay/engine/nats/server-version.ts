import { RuntimeError } from '../../../base/errors.ts';

/** Two commits were acknowledged for one epoch on servers before this one. */
export const OLDEST_VERSION = '2.10.27';
/** From here on a failed election or a slow leader is handled best. */
const RECOMMENDED = '2.12.0';

/** @throws {@link RuntimeError} `store_error` that names the version, for a server whose promises are not enough. */
export function requireServerVersion(version: string): void {
  if (compareVersions(version, OLDEST_VERSION) >= 0) return;
  throw new RuntimeError(
    'store_error',
    `nats-server ${version} is too old: ${OLDEST_VERSION} or newer is needed, because older ones may let two commits win one epoch`,
  );
}

/** What to tell an operator about the version of a server, if anything. */
export function versionWarning(version: string): string | undefined {
  if (compareVersions(version, RECOMMENDED) >= 0) return undefined;
  return `nats-server ${version}: ${RECOMMENDED} or newer is recommended`;
}

/** Below 0 if `a` is older than `b`. What follows the third number (`-beta.1`) makes a version older than without. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  for (let index = 0; index < 4; index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function partsOf(version: string): number[] {
  const match = /^v?(\d+)\.(\d+)\.(\d+)(-.*)?$/.exec(version);
  if (match === null) return [0, 0, 0, 0];
  return [Number(match[1]), Number(match[2]), Number(match[3]), match[4] === undefined ? 0 : -1];
}
