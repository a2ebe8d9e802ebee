import { isIP } from 'node:net';
import { RuntimeError } from '../base/errors.ts';

/**
 * Refuses to put an open relay where strangers can reach it, unless the operator says that it is meant.
 *
 * @throws {@link RuntimeError} `invalid_argument`
 */
export function checkExposure(host: string, isAuthenticated: boolean, insecureOpen: boolean): void {
  if (isAuthenticated || insecureOpen || isLoopback(host)) return;
  throw new RuntimeError(
    'invalid_argument',
    `without authentication the relay listens on this machine only, not on ${host}. Configure how clients prove who they ` +
      'are (`auth`; server.jwt_secret_file), or set `insecureOpen` (--insecure-open) where only trusted clients can reach it.',
  );
}

function isLoopback(host: string): boolean {
  if (host === 'localhost' || host === '::1') return true;
  return isIP(host) === 4 && host.startsWith('127.');
}
