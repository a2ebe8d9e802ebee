import pRetry from 'p-retry';
import { sleepUnlessAborted, systemClock } from '../base/clock.ts';
import type { Clock } from '../base/clock.ts';
import { AuthError, RuntimeError, TransportError } from '../base/errors.ts';
import type { SkytaleError } from '../base/errors.ts';
import { systemRandom } from '../base/random.ts';
import type { Random } from '../base/random.ts';
import { Backoff } from '../streams/index.ts';

/** Options of {@link exchangeToken}. */
export interface ExchangeTokenOptions {
  /** `sk_live_…` or `sk_test_…`. */
  readonly apiKey: string;
  /** Base of the control plane's API, such as `https://api.skytale.sh`. */
  readonly apiUrl: string;
  /** Default: the platform's. */
  readonly fetch?: typeof fetch;
  readonly signal?: AbortSignal;
  /** How long one request may take. Milliseconds, default 10 000. */
  readonly requestTimeoutMs?: number;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** Tries after the first one. */
const RETRIES = 3;

const API_KEY = /^sk_(live|test)_[\x21-\x7e]+$/;

/**
 * Exchanges an API key for the short-lived token that the relay takes: `POST /v1/tokens`. A network error, a timeout or
 * a 5xx is tried three times more, 0.2 to 2 s apart.
 *
 * @throws {@link AuthError} `auth_key_invalid` if the key has not the form of one, before anything is sent;
 * `auth_failed` if the control plane does not know it (401); `unauthorized` if it may not do this (403).
 * @throws {@link TransportError} `connection_error` if the control plane cannot be reached, `limit_exceeded` on 429,
 * `protocol_error` for an answer that makes no sense, `transport_error` for any other status.
 * @throws {@link RuntimeError} `invalid_argument` for an `apiUrl` that is none. The reason of `signal` if it is aborted.
 */
export async function exchangeToken(options: ExchangeTokenOptions): Promise<string> {
  const { apiKey, clock = systemClock, random = systemRandom } = options;
  const signal = options.signal ?? new AbortController().signal;
  checkApiKey(apiKey);
  const url = tokensUrl(options.apiUrl);
  const backoff = new Backoff({ minMs: 200, maxMs: 2000, jitter: 0.5 }, { clock, random });
  return pRetry(() => requestToken(url, options), {
    signal,
    retries: RETRIES,
    // It would wait by the machine's clock; we wait by ours, below.
    minTimeout: 0,
    shouldRetry: async ({ error }) => {
      if (!(error instanceof PassingTrouble)) return false;
      await sleepUnlessAborted(clock, backoff.nextDelayMs(), signal);
      return true; // if aborted, p-retry looks at the signal before it tries
    },
  }).catch((error: unknown) => {
    if (signal.aborted) throw signal.reason;
    throw error instanceof PassingTrouble ? error.reported : error;
  });
}

/**
 * Checks the form of an API key: `sk_live_…` or `sk_test_…`, without spaces.
 *
 * @throws {@link AuthError} `auth_key_invalid`
 */
export function checkApiKey(apiKey: string): void {
  if (API_KEY.test(apiKey)) return;
  throw new AuthError('auth_key_invalid', 'an API key starts with sk_live_ or sk_test_ and has no spaces');
}

/** Trouble that another try may get past. Stays inside this file; `reported` is what the caller sees in the end. */
class PassingTrouble extends Error {
  readonly reported: SkytaleError;

  constructor(reported: SkytaleError) {
    super(reported.message);
    this.reported = reported;
  }
}

function tokensUrl(apiUrl: string): URL {
  const base = URL.canParse(apiUrl) ? new URL(apiUrl) : undefined;
  if (base === undefined || !/^https?:$/.test(base.protocol) || base.username !== '' || base.password !== '') {
    throw new RuntimeError('invalid_argument', 'Expected `apiUrl` to be an https:// or http:// URL.');
  }
  base.pathname = `${base.pathname.replace(/\/+$/, '')}/v1/tokens`;
  base.search = '';
  base.hash = '';
  return base;
}

async function requestToken(url: URL, options: ExchangeTokenOptions): Promise<string> {
  const { apiKey, signal, clock = systemClock, requestTimeoutMs = 10_000 } = options;
  const request = options.fetch ?? fetch;
  const timeout = new AbortController();
  const cancelTimeout = clock.schedule(requestTimeoutMs, () => {
    timeout.abort(new Error(`no answer within ${requestTimeoutMs} ms`));
  });
  try {
    const response = await request(url, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, accept: 'application/json' },
      // Followed, a redirect would carry the key to wherever it points.
      redirect: 'error',
      signal: signal === undefined ? timeout.signal : AbortSignal.any([signal, timeout.signal]),
    });
    const body = await response.text();
    if (!response.ok) throw errorOfStatus(response.status);
    return readToken(body);
  } catch (error) {
    if (error instanceof PassingTrouble || error instanceof AuthError || error instanceof TransportError) throw error;
    throw new PassingTrouble(
      new TransportError('connection_error', 'the control plane cannot be reached', { cause: error }),
    );
  } finally {
    cancelTimeout();
  }
}

function errorOfStatus(status: number): Error {
  if (status === 401) return new AuthError('auth_failed', 'the control plane does not accept the API key');
  if (status === 403) return new AuthError('unauthorized', 'the API key may not be exchanged for a token');
  if (status === 429) return new TransportError('limit_exceeded', 'the control plane asks for fewer requests');
  const error = new TransportError('transport_error', `the control plane answered with HTTP status ${status}`);
  return status >= 500 ? new PassingTrouble(error) : error;
}

/** The body may hold a token, so no error repeats it, not even as a cause. */
function readToken(body: string): string {
  let answer: unknown;
  try {
    answer = JSON.parse(body);
  } catch {
    throw new TransportError('protocol_error', 'the control plane answered with something else than JSON');
  }
  const token = typeof answer === 'object' && answer !== null && 'token' in answer ? answer.token : undefined;
  if (typeof token === 'string' && token !== '') return token;
  throw new TransportError('protocol_error', 'the control plane answered without a token');
}
