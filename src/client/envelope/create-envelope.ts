import { toHex } from '../../base/bytes.ts';
import { type Random, systemRandom } from '../../base/random.ts';
import { checkEnvelope, type Envelope } from './envelope.ts';
import { Protocols } from './protocols.ts';
import { encodeText } from './text-payload.ts';

/** What {@link createEnvelope} makes an envelope of. */
export interface EnvelopeInit extends Omit<Envelope, 'contentType' | 'payload'> {
  /** Default: what the protocol's payloads are. */
  readonly contentType?: string;
  /** Text is sent as UTF-8. */
  readonly payload: Uint8Array | string;
}

/** What {@link createEnvelope} goes by. */
export interface EnvelopeOptions {
  /** Default: those that are known everywhere. */
  readonly protocols?: Protocols;
  readonly random?: Random;
}

const ID_BYTES = 16;
const KNOWN_EVERYWHERE = new Protocols();

/**
 * An envelope with everything that it should have: the content type of its protocol, and an id of 32 hexadecimal characters.
 *
 * @throws {@link PayloadError} `invalid_payload` for what no envelope can have
 *
 * @example
 * const envelope = createEnvelope({ protocol: 'mcp', payload: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}' });
 * assert.equal(envelope.contentType, 'application/json');
 */
export function createEnvelope(init: EnvelopeInit, options: EnvelopeOptions = {}): Envelope {
  const { protocols = KNOWN_EVERYWHERE, random = systemRandom } = options;
  const { protocol, payload } = init;
  return checkEnvelope({
    ...init,
    contentType: init.contentType ?? protocols.contentTypeOf(protocol),
    id: init.id ?? toHex(random.bytes(ID_BYTES)),
    payload: typeof payload === 'string' ? encodeText(payload) : payload,
  });
}

/**
 * An answer to an envelope: of its protocol, in its trace, and `inReplyTo` its id, unless `init` says otherwise.
 *
 * @throws what {@link createEnvelope} throws
 */
export function replyTo(
  envelope: Envelope,
  init: Partial<EnvelopeInit> & Pick<EnvelopeInit, 'payload'>,
  options?: EnvelopeOptions,
): Envelope {
  const { protocol, id, trace } = envelope;
  const given = { protocol, ...(id !== undefined && { inReplyTo: id }), ...(trace && { trace }) };
  return createEnvelope({ ...given, ...init }, options);
}
