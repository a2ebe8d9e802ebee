import { X509Certificate } from 'node:crypto';
import { credentials } from '@grpc/grpc-js';
import type { ChannelCredentials } from '@grpc/grpc-js';
import { checkInteger } from '../../base/check.ts';
import { systemClock } from '../../base/clock.ts';
import type { Clock } from '../../base/clock.ts';
import { RuntimeError } from '../../base/errors.ts';
import { systemRandom } from '../../base/random.ts';
import type { Random } from '../../base/random.ts';
import { parseEndpoint } from './endpoint.ts';
import type { Endpoint } from './endpoint.ts';

/** Options of `connectRelay`. */
export interface ConnectRelayOptions {
  /**
   * `https://host:port` for TLS, `http://host:port` for plaintext. Several are relays over one log: they are tried in turn from
   * a random one, and a link goes on at the next one where it had stopped.
   */
  readonly endpoint: string | readonly string[];
  /**
   * Called for a bearer token; `undefined` connects without one. A JWT is used again for further connections in the first
   * 80 % of its life, any other token is asked for at each attempt. Before the relay stops to take a token it is asked for a
   * fresh one, which takes the place of the old one on the open connection. If it rejects with an `AuthError` when a
   * connection is to be made, the transport is refused; with anything else, it tries again later.
   */
  readonly token?: () => Promise<string | undefined>;
  /** PEM of the certificate authorities to trust instead of the machine's, with `https://`. */
  readonly rootCertificates?: Uint8Array;
  /** Name and version of the software, for the relay's operator. Default `skytale-rx`. */
  readonly client?: string;
  /** The shortest wait before a reconnect. Milliseconds, default 200. */
  readonly minReconnectDelayMs?: number;
  /** The longest wait before a reconnect. Milliseconds, default 10 000. */
  readonly maxReconnectDelayMs?: number;
  /** How long a connection must last until the waits start again at the shortest. Milliseconds, default 10 000. */
  readonly reconnectResetAfterMs?: number;
  /** How long one attempt to connect may take, token included. Milliseconds, default 10 000. */
  readonly connectTimeoutMs?: number;
  /** Silence of the relay after which it is pinged. Milliseconds, default 5000. */
  readonly pingAfterMs?: number;
  /** Silence of the relay after which the connection counts as lost. Milliseconds, above `pingAfterMs`, default 11 000. */
  readonly lostAfterMs?: number;
  /** The largest frame that is accepted from the relay. Bytes, default 16 MiB. */
  readonly maxReceiveBytes?: number;
  /** How much may wait to be sent before `publish` rejects with `limit_exceeded`. Bytes, default 16 MiB. */
  readonly maxQueuedBytes?: number;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** @internal Where a relay listens, and how to talk to it. */
export interface RelayAddress extends Endpoint {
  readonly credentials: ChannelCredentials;
}

/** @internal {@link ConnectRelayOptions}, checked and complete. */
export interface TransportSettings
  extends Required<Omit<ConnectRelayOptions, 'endpoint' | 'rootCertificates' | 'token'>> {
  /** At least one. */
  readonly relays: readonly RelayAddress[];
  /** `undefined`: the client does not authenticate. */
  readonly token: (() => Promise<string | undefined>) | undefined;
}

/** @internal @throws RuntimeError `invalid_argument` for an option out of its range. */
export function checkOptions(options: ConnectRelayOptions): TransportSettings {
  const minReconnectDelayMs = checkInteger('minReconnectDelayMs', options.minReconnectDelayMs ?? 200, 1);
  const pingAfterMs = checkInteger('pingAfterMs', options.pingAfterMs ?? 5000, 5);
  return {
    relays: relayAddresses(options),
    token: options.token,
    client: options.client ?? 'skytale-rx',
    minReconnectDelayMs,
    maxReconnectDelayMs: checkInteger(
      'maxReconnectDelayMs',
      options.maxReconnectDelayMs ?? Math.max(10_000, minReconnectDelayMs),
      minReconnectDelayMs,
    ),
    reconnectResetAfterMs: checkInteger('reconnectResetAfterMs', options.reconnectResetAfterMs ?? 10_000, 0),
    connectTimeoutMs: checkInteger('connectTimeoutMs', options.connectTimeoutMs ?? 10_000, 1),
    pingAfterMs,
    lostAfterMs: checkInteger('lostAfterMs', options.lostAfterMs ?? Math.max(11_000, 2 * pingAfterMs), pingAfterMs + 1),
    maxReceiveBytes: checkInteger('maxReceiveBytes', options.maxReceiveBytes ?? 16 * 2 ** 20, 1024, 2 ** 31 - 1),
    maxQueuedBytes: checkInteger('maxQueuedBytes', options.maxQueuedBytes ?? 16 * 2 ** 20, 1024),
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
  };
}

function relayAddresses({ endpoint, rootCertificates }: ConnectRelayOptions): readonly RelayAddress[] {
  const endpoints = typeof endpoint === 'string' ? [endpoint] : endpoint;
  if (endpoints.length === 0) {
    throw new RuntimeError('invalid_argument', 'Expected `endpoint` to name at least one relay.');
  }
  return endpoints.map((each) => {
    const parsed = parseEndpoint(each);
    return { ...parsed, credentials: channelCredentials(parsed, rootCertificates) };
  });
}

function channelCredentials(endpoint: Endpoint, rootCertificates: Uint8Array | undefined): ChannelCredentials {
  if (!endpoint.isSecure) return credentials.createInsecure();
  if (rootCertificates === undefined) return credentials.createSsl();
  try {
    // Parsed here, because TLS takes bytes that are no certificate without a word and then trusts nobody.
    const { raw } = new X509Certificate(rootCertificates);
    return credentials.createSsl(raw.length > 0 ? Buffer.from(rootCertificates) : null);
  } catch (cause) {
    throw new RuntimeError('invalid_argument', 'Expected `rootCertificates` to be certificates in PEM.', { cause });
  }
}
