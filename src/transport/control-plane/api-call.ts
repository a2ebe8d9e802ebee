import pRetry from 'p-retry';
import { type Clock, sleepUnlessAborted, systemClock } from '../../base/clock.ts';
import { TransportError } from '../../base/errors.ts';
import { type Random, systemRandom } from '../../base/random.ts';
import { Backoff } from '../../streams/index.ts';
import { errorOfAnswer, PassingTrouble } from './api-error.ts';
import { checkApiKey } from './api-key.ts';
import { apiUrlOf } from './api-url.ts';
import { exchangeHttp } from './http-exchange.ts';

/** Where a control plane is, and who calls. */
export interface ApiOptions {
  /** `sk_live_…` or `sk_test_…`. */
  readonly apiKey: string;
  /** Base of the control plane's API, such as `https://api.skytale.sh`. */
  readonly apiUrl: string;
  /** Default: the platform's. */
  readonly fetch?: typeof fetch;
  /** How long one request may take. Milliseconds, default 10 000. */
  readonly requestTimeoutMs?: number;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** One request. */
export interface ApiCall {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Below the base, such as `/v1/tokens`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** How much longer than others it may take, because the control plane waits for something. Milliseconds. */
  readonly waitMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Tries after the first one. */
const RETRIES = 3;
const REQUEST_TIMEOUT_MS = 10_000;

/**
 * Makes one request and returns the body of the answer. A network error, a timeout or a 5xx is tried three times more, 0.2
 * to 2 s apart: whatever is called so must bear being called twice.
 *
 * @throws {@link AuthError} `auth_key_invalid` before anything is sent; `auth_failed` (401), `unauthorized` (403).
 * @throws {@link ChannelError} for the codes that the control plane gives, and `not_found` (404), `bad_request` (400).
 * @throws {@link TransportError} `connection_error` if the control plane cannot be reached, `limit_exceeded` on 429,
 * `transport_error` for any other status.
 * @throws {@link RuntimeError} `invalid_argument` for an `apiUrl` that is none. The reason of `signal` if it is aborted.
 */
export async function callApi(call: ApiCall, options: ApiOptions): Promise<string> {
  const { clock = systemClock, random = systemRandom } = options;
  const signal = call.signal ?? new AbortController().signal;
  checkApiKey(options.apiKey);
  const url = apiUrlOf(options.apiUrl, call.path, call.query);
  const backoff = new Backoff({ minMs: 200, maxMs: 2000, jitter: 0.5 }, { clock, random });
  return pRetry(() => requestOnce(url, call, options, signal), {
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

async function requestOnce(
  url: URL,
  { method, body, waitMs = 0 }: ApiCall,
  { apiKey, clock = systemClock, fetch, requestTimeoutMs = REQUEST_TIMEOUT_MS }: ApiOptions,
  signal: AbortSignal,
): Promise<string> {
  const request = { method, url, apiKey, body, timeoutMs: requestTimeoutMs + waitMs, clock, signal, fetch };
  const answer = await exchangeHttp(request).catch((error: unknown) => {
    throw error instanceof TransportError ? new PassingTrouble(error) : error;
  });
  if (answer.status >= 200 && answer.status < 300) return answer.body;
  throw errorOfAnswer(answer.status, answer.body);
}
