import type { RelayTransport } from '../relay-transport.ts';
import { GrpcTransport } from './grpc-transport.ts';
import { checkOptions } from './options.ts';
import type { ConnectRelayOptions } from './options.ts';

/**
 * A transport to a relay over gRPC: one stream that carries all links. Connects when first used, notices a dead
 * connection within 12 s, and reconnects for ever, 0.2 to 10 s after each failure; at once to the next of several relays
 * when one shuts down, and at once with a fresh token when the old one has ended. A token is renewed on the open stream
 * before that.
 *
 * A `publish` that is called before the first attempt to connect has ended waits for it; one that is called while the
 * transport is offline rejects with `connection_error` at once.
 *
 * @throws {@link RuntimeError} `invalid_argument` for an endpoint or option out of its range.
 *
 * @example
 * const transport = connectRelay({ endpoint: 'https://relay.example.com', token: async () => token });
 * transport.status$.subscribe(({ kind }) => console.log(kind));
 */
export function connectRelay(options: ConnectRelayOptions): RelayTransport {
  return new GrpcTransport(checkOptions(options));
}
