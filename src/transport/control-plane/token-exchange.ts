import { ChannelError, TransportError } from '../../base/errors.ts';
import { type ApiOptions, callApi } from './api-call.ts';
import { readAnswer } from './answer.ts';

/** Options of {@link exchangeToken}. */
export interface ExchangeTokenOptions extends ApiOptions {
  /** Binds the key to this identity, 1 to 256 bytes, so that a revocation of the identity ends the key. */
  readonly identity?: Uint8Array;
  readonly signal?: AbortSignal;
}

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
  const { identity, signal } = options;
  const body = identity && { identity: Buffer.from(identity).toString('base64') };
  try {
    return readAnswer(await callApi({ method: 'POST', path: '/v1/tokens', body, signal }, options)).text('token');
  } catch (error) {
    if (!(error instanceof ChannelError)) throw error;
    // What is there is no control plane, or one that wants something else: no channel has anything to do with it.
    throw new TransportError('transport_error', 'the control plane gave no token', { cause: error });
  }
}
