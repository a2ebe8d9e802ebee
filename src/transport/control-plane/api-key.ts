import { AuthError } from '../../base/errors.ts';

const API_KEY = /^sk_(live|test)_[\x21-\x7e]+$/;

/**
 * Checks the form of an API key: `sk_live_…` or `sk_test_…`, without spaces.
 *
 * @throws {@link AuthError} `auth_key_invalid`
 */
export function checkApiKey(apiKey: string): void {
  if (API_KEY.test(apiKey)) return;
  throw new AuthError('auth_key_invalid', 'an API key starts with sk_live_ or sk_test_ and has no spaces');
}
