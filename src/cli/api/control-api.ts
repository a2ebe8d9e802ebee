import { AuthError, QuotaExceededError, SkytaleError, TransportError } from '../../base/errors.ts';
import { apiUrlOf, exchangeHttp, readRefusal } from '../../transport/index.ts';
import type { CliContext } from '../context.ts';
import type { ApiSettings } from '../settings.ts';

/** How long one answer may take. */
const REQUEST_MS = 15_000;

/** What the control plane would not do, in its words. */
export class ApiRefusal extends SkytaleError {
  constructor(code: string, detail: string, status: number) {
    super(code, `the control plane refuses: ${detail}`, status);
  }
}

/** One call of the control plane's HTTP API. */
export interface ApiCall {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Such as `/v1/keys`. */
  readonly path: string;
  readonly body?: object;
  /** Whether it works without an API key. Default `false`. */
  readonly isOpen?: boolean;
}

/**
 * Calls the control plane, and returns the JSON that it answers with; `undefined` where it answers with nothing.
 *
 * @throws {@link AuthError} `api_key_required`, `auth_failed`, `unauthorized`; {@link TransportError} `connection_error` if it cannot
 * be reached, `limit_exceeded`, `protocol_error`; {@link QuotaExceededError}; {@link ApiRefusal} with the code of the answer
 */
export async function callApi(context: CliContext, settings: ApiSettings, call: ApiCall): Promise<unknown> {
  const { apiUrl, apiKey } = settings;
  if (apiKey === undefined && call.isOpen !== true) {
    throw new AuthError(
      'api_key_required',
      'no API key: set SKYTALE_API_KEY, or make an account with "skytale signup"',
    );
  }
  const answer = await exchangeHttp({
    method: call.method,
    url: apiUrlOf(apiUrl, call.path),
    apiKey: call.isOpen === true ? undefined : apiKey,
    body: call.body,
    timeoutMs: REQUEST_MS,
    clock: context.clock,
    signal: context.terminal.signal,
  });
  if (answer.status >= 200 && answer.status < 300) return answer.body === '' ? undefined : parse(answer.body);
  throw refusal(answer.status, answer.body);
}

/** A body may hold a key or a token, so no error repeats it. */
function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new TransportError('protocol_error', 'the control plane answered with something else than JSON');
  }
}

function refusal(status: number, body: string): SkytaleError {
  const { text, code } = readRefusal(body);
  const detail = text ?? `HTTP status ${status}`;
  if (status === 401) return new AuthError('auth_failed', `the control plane does not accept the API key (${detail})`);
  if (status === 403) return new AuthError('unauthorized', detail);
  if (code === 'quota_exceeded') return new QuotaExceededError(detail);
  if (status === 429)
    return new TransportError('limit_exceeded', `the control plane asks for fewer requests (${detail})`);
  if (status >= 500) return new TransportError('transport_error', `the control plane has failed (${detail})`);
  return new ApiRefusal(code ?? (status === 404 ? 'not_found' : 'bad_request'), detail, status);
}
