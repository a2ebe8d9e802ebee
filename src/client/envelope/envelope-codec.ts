import type { PayloadCodec } from '../../actors/channel/index.ts';
import { createEnvelope, type EnvelopeInit, type EnvelopeOptions } from './create-envelope.ts';
import type { Envelope } from './envelope.ts';
import { decodeEnvelope, encodeEnvelope } from './envelope-encoding.ts';

/**
 * Envelopes for {@link Channel.as}. Plain payloads of others are envelopes of protocol `raw`; malformed envelopes come out
 * of `rejects$`, and the stream lives on.
 *
 * @example
 * const agents$ = channel$.as(envelopes());
 * agents$.pipe(filter(({ payload }) => payload.protocol === 'mcp')).subscribe(({ payload }) => handle(payload));
 * await agents$.send({ protocol: 'mcp', payload: '{"jsonrpc":"2.0","method":"ping","id":1}' });
 */
export function envelopes(options?: EnvelopeOptions): PayloadCodec<EnvelopeInit, Envelope> {
  return {
    encode: (init) => encodeEnvelope(createEnvelope(init, options)),
    decode: decodeEnvelope,
  };
}
