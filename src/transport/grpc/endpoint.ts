import { RuntimeError } from '../../base/errors.ts';

/** Where a relay listens. */
export interface Endpoint {
  /** `host:port`, as grpc-js takes it. */
  readonly target: string;
  readonly isSecure: boolean;
  /** This machine: no proxy of the environment stands between. */
  readonly isLoopback: boolean;
}

const DEFAULT_PORT = { 'https:': 443, 'http:': 80 } as const;

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/**
 * Reads an endpoint: `https://host:port` for TLS, `http://host:port` for plaintext.
 *
 * @throws {@link RuntimeError} `invalid_argument` for anything else: another scheme, a path, a query, credentials.
 */
export function parseEndpoint(endpoint: string): Endpoint {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) throw notAnEndpoint();
  if (url.hostname === '' || url.username !== '' || url.password !== '') throw notAnEndpoint();
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') throw notAnEndpoint();
  return {
    target: `${url.hostname}:${url.port === '' ? DEFAULT_PORT[url.protocol] : url.port}`,
    isSecure: url.protocol === 'https:',
    isLoopback: LOOPBACK.test(url.hostname),
  };
}

/** Does not repeat what was given: somebody may have put a key into it. */
function notAnEndpoint(): RuntimeError {
  return new RuntimeError('invalid_argument', 'Expected `endpoint` to be https://host:port or http://host:port.');
}
