import { RuntimeError } from '../../base/errors.ts';

/**
 * The base of an API, checked.
 *
 * @throws {@link RuntimeError} `invalid_argument`
 */
export function checkApiUrl(apiUrl: string): URL {
  const base = URL.canParse(apiUrl) ? new URL(apiUrl) : undefined;
  if (base === undefined || !/^https?:$/.test(base.protocol) || base.username !== '' || base.password !== '') {
    throw new RuntimeError('invalid_argument', 'Expected `apiUrl` to be an https:// or http:// URL.');
  }
  return base;
}

/**
 * Where a path of the API is, such as `/v1/tokens`, below the base that `apiUrl` names.
 *
 * @throws {@link RuntimeError} `invalid_argument` for an `apiUrl` that is none
 */
export function apiUrlOf(apiUrl: string, path: string, query: Readonly<Record<string, string>> = {}): URL {
  const url = checkApiUrl(apiUrl);
  url.pathname = `${url.pathname.replace(/\/+$/, '')}${path}`;
  url.search = new URLSearchParams(query).toString();
  url.hash = '';
  return url;
}
