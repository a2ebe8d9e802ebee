import { AuthError, QuotaExceededError, SkytaleError, TransportError } from '../../base/errors.ts';
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
  const answer = await request(context, apiUrl, apiKey, call);
  if (answer.status >= 200 && answer.status < 300) return answer.body === '' ? undefined : parse(answer.body);
  throw refusal(answer.status, answer.body);
}

async function request(
  { terminal, clock }: CliContext,
  apiUrl: string,
  apiKey: string | undefined,
  { method, path, body, isOpen }: ApiCall,
): Promise<{ readonly status: number; readonly body: string }> {
  const late = new AbortController();
  const cancel = clock.schedule(REQUEST_MS, () => late.abort(new Error(`no answer within ${REQUEST_MS / 1000} s`)));
  try {
    const response = await fetch(`${apiUrl.replace(/\/+$/, '')}${path}`, {
      method,
      headers: {
        accept: 'application/json',
        ...(apiKey === undefined || isOpen === true ? {} : { authorization: `Bearer ${apiKey}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      // Followed, a redirect would carry the key to wherever it points.
      redirect: 'error',
      signal: AbortSignal.any([terminal.signal, late.signal]),
    });
    return { status: response.status, body: await response.text() };
  } catch (cause) {
    terminal.signal.throwIfAborted();
    throw new TransportError('connection_error', `the control plane ${apiUrl} cannot be reached`, { cause });
  } finally {
    cancel();
  }
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
  const { error, code } = refusalText(body);
  const detail = error ?? `HTTP status ${status}`;
  if (status === 401) return new AuthError('auth_failed', `the control plane does not accept the API key (${detail})`);
  if (status === 403) return new AuthError('unauthorized', detail);
  if (code === 'quota_exceeded') return new QuotaExceededError(detail);
  if (status === 429)
    return new TransportError('limit_exceeded', `the control plane asks for fewer requests (${detail})`);
  if (status >= 500) return new TransportError('transport_error', `the control plane has failed (${detail})`);
  return new ApiRefusal(code ?? (status === 404 ? 'not_found' : 'bad_request'), detail, status);
}

function refusalText(body: string): { readonly error?: string; readonly code?: string } {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value !== 'object' || value === null) return {};
    const text = 'error' in value && typeof value.error === 'string' ? { error: value.error } : {};
    return { ...text, ...('code' in value && typeof value.code === 'string' ? { code: value.code } : {}) };
  } catch {
    return {};
  }
}
