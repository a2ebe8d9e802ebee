import type { Clock } from '../../base/clock.ts';
import { TransportError } from '../../base/errors.ts';

/** One request to the control plane's HTTP API. */
export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: URL;
  /** None for what everybody may ask. */
  readonly apiKey: string | undefined;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** How long the whole answer may take, by `clock`. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Default: the platform's. */
  readonly fetch?: typeof fetch | undefined;
}

/** An answer, whatever its status. */
export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/**
 * Sends a request once and reads the whole answer. Redirects are not followed: one would carry the key to wherever it points.
 *
 * @throws {@link TransportError} `connection_error` if there is no answer in time. The reason of `signal` if it is aborted.
 */
export async function exchangeHttp(request: HttpRequest): Promise<HttpAnswer> {
  const { method, url, apiKey, body, timeoutMs, clock, signal, fetch: send = fetch } = request;
  const late = new AbortController();
  const cancel = clock.schedule(timeoutMs, () => late.abort(new Error(`no answer within ${timeoutMs} ms`)));
  try {
    const response = await send(url, {
      method,
      headers: {
        accept: 'application/json',
        ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      redirect: 'error',
      signal: AbortSignal.any([signal, late.signal]),
    });
    return { status: response.status, body: await response.text() };
  } catch (cause) {
    signal.throwIfAborted();
    throw new TransportError('connection_error', `the control plane ${url.origin} cannot be reached`, { cause });
  } finally {
    cancel();
  }
}
