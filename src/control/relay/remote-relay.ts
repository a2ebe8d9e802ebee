import { webcrypto } from 'node:crypto';
import { SignJWT } from 'jose';
import { systemClock } from '../../base/clock.ts';
import type { Clock } from '../../base/clock.ts';
import { RuntimeError, TransportError } from '../../base/errors.ts';
import type { SharedSecret } from '../../relay/access/index.ts';
import type { RelayOperations } from './relay-operations.ts';

/** Options of {@link remoteRelay}. */
export interface RemoteRelayOptions {
  /** The operator addresses of all relays, such as `http://10.0.0.5:8443`. */
  readonly urls: readonly string[];
  /** The secret that the relays share with this server. */
  readonly secret: SharedSecret;
  /** The `iss` that the relays expect. Default `skytale-api`. */
  readonly issuer?: string;
  /** How long a relay has for its answer, in ms. Default 5,000. */
  readonly timeoutMs?: number;
  readonly clock?: Clock;
  /** Default: the platform's. */
  readonly fetch?: typeof fetch;
}

/** How long the token of one operation holds; relays take at most 60 s. */
const TOKEN_LIFE_SECONDS = 30;
/** Withdrawn keys in one request, whose body relays bound to 64 KiB. Each adds to what they know. */
const MAX_WITHDRAWN = 500;
/** Answers are small; more is not believed. */
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * The operations of relays in other processes, over HTTP. Relays over one log tell each other of notices, so the first that answers
 * does; withdrawn keys are told to every one of them.
 *
 * @throws {@link RuntimeError} `invalid_argument` for a URL that is none, or a secret shorter than 32 bytes
 */
export function remoteRelay(options: RemoteRelayOptions): RelayOperations {
  const relays = options.urls.map((url) => new RemoteRelay(url, options));
  if (relays.length === 0) throw new RuntimeError('invalid_argument', 'Expected `urls` to name a relay.');
  return {
    announce: async (channel, topic) => {
      await first(relays, (relay) => relay.send('POST', '/internal/v1/notices', { channel, topic }));
    },
    usage: async (account) => {
      const path = `/internal/v1/usage?account=${encodeURIComponent(account)}`;
      return { messages: numberIn(await first(relays, (relay) => relay.send('GET', path)), 'messages') };
    },
    expel: async (channel, account) => {
      const answer = await first(relays, (relay) =>
        relay.send('POST', '/internal/v1/expulsions', { channel, account }),
      );
      return field(answer, 'expelled') === true;
    },
    withdrawKeys: async (keys) => {
      const all = keys.map(({ keyId, untilMs }) => ({ key_id: keyId, until_ms: untilMs }));
      const tell = async (relay: RemoteRelay): Promise<void> => {
        for (let at = 0; at < all.length; at += MAX_WITHDRAWN) {
          await relay.send('PUT', '/internal/v1/withdrawals', { keys: all.slice(at, at + MAX_WITHDRAWN) });
        }
      };
      const told = await Promise.allSettled(relays.map(tell));
      const failures = told.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
      if (failures.length === 0) return;
      const cause = new AggregateError(failures);
      const text = `${failures.length} of ${relays.length} relays were not told of withdrawn keys`;
      throw new TransportError('connection_error', text, { cause });
    },
  };
}

/** What the first relay says that answers. */
async function first<T>(relays: readonly RemoteRelay[], ask: (relay: RemoteRelay) => Promise<T>): Promise<T> {
  const failures: unknown[] = [];
  for (const relay of relays) {
    try {
      return await ask(relay);
    } catch (error) {
      failures.push(error);
    }
  }
  const cause = failures.length === 1 ? failures[0] : new AggregateError(failures);
  throw new TransportError('connection_error', 'no relay has taken what the control plane asked of it', { cause });
}

class RemoteRelay {
  readonly #base: string;
  readonly #options: RemoteRelayOptions;
  readonly #clock: Clock;
  readonly #key: Promise<CryptoKey>;

  constructor(url: string, options: RemoteRelayOptions) {
    const base = URL.canParse(url) ? new URL(url) : undefined;
    if (base === undefined || !/^https?:$/.test(base.protocol) || base.username !== '') {
      throw new RuntimeError('invalid_argument', 'Expected `urls` to hold https:// or http:// URLs.');
    }
    this.#base = `${base.origin}${base.pathname.replace(/\/+$/, '')}`;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    const { secret } = options.secret;
    const bytes = typeof secret === 'string' ? new TextEncoder().encode(secret) : new Uint8Array(secret);
    if (bytes.length < 32) {
      throw new RuntimeError('invalid_argument', `Expected \`secret\` to have at least 32 bytes, got ${bytes.length}.`);
    }
    this.#key = webcrypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  }

  /** The answer, parsed; `undefined` if it has no body. Rejects for anything but success. */
  async send(method: string, path: string, body?: object): Promise<unknown> {
    const { timeoutMs = 5000, fetch: request = fetch } = this.#options;
    const timeout = new AbortController();
    const cancel = this.#clock.schedule(timeoutMs, () => timeout.abort(new Error(`no answer within ${timeoutMs} ms`)));
    try {
      const response = await request(`${this.#base}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${await this.#token()}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        redirect: 'error', // it would carry the token to wherever it points
        signal: timeout.signal,
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`the relay has answered with HTTP status ${response.status}`);
      if (text.length > MAX_ANSWER_BYTES) throw new Error('the relay has answered with too much');
      return text === '' ? undefined : (JSON.parse(text) as unknown);
    } finally {
      cancel();
    }
  }

  async #token(): Promise<string> {
    const { issuer = 'skytale-api', secret } = this.#options;
    const iat = Math.floor(this.#clock.now() / 1000);
    return new SignJWT({ iss: issuer, aud: 'skytale-relay', scope: 'operate', iat, exp: iat + TOKEN_LIFE_SECONDS })
      .setProtectedHeader({ alg: 'HS256', ...(secret.kid === undefined ? {} : { kid: secret.kid }) })
      .sign(await this.#key);
  }
}

type CryptoKey = webcrypto.CryptoKey;

function field(answer: unknown, name: string): unknown {
  return typeof answer === 'object' && answer !== null ? (answer as Record<string, unknown>)[name] : undefined;
}

function numberIn(answer: unknown, name: string): number {
  const value = field(answer, name);
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new TransportError('protocol_error', `the relay has answered without a number of ${name}`);
}
