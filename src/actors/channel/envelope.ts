import { create, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { MlsError } from '../../base/errors.ts';
import { type Envelope, EnvelopeSchema } from './gen/skytale/channel/v1/envelope_pb.ts';

/** Field numbers that say of which kind an envelope is, see envelope.proto. */
const KINDS = { first: 4, last: 15 };

/**
 * What lies inside the ciphertext for `payload`. Its fields are added to over time; members skip what they do not know.
 *
 * @param header everything but the payload, see {@link encodeHeader}. None for a plain message.
 */
export function encodeEnvelope(payload: Uint8Array, header?: Uint8Array): Uint8Array {
  const body = toBinary(EnvelopeSchema, create(EnvelopeSchema, { payload }));
  if (header === undefined) return body;
  // Encodings of one message's fields, put together, are its encoding.
  const envelope = new Uint8Array(header.length + body.length);
  envelope.set(header);
  envelope.set(body, header.length);
  return envelope;
}

/** What an envelope says beside its payload. */
export type EnvelopeHeader = Pick<MessageInitShape<typeof EnvelopeSchema>, 'receipt' | 'kind'>;

/** A header by itself, as outbox and journal keep it. */
export function encodeHeader(header: EnvelopeHeader): Uint8Array {
  return toBinary(EnvelopeSchema, create(EnvelopeSchema, header));
}

/**
 * What a member has sent. Also reads a header by itself.
 *
 * @throws {@link MlsError} `decryption_failure` if it is no envelope, or of a kind that this version does not know
 */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  const envelope = parse(bytes);
  if (envelope.$unknown?.some(({ no }) => no >= KINDS.first && no <= KINDS.last) === true) {
    throw new MlsError('decryption_failure', 'a member sent something of a kind that this version does not know');
  }
  return envelope;
}

/** What members send to each other. */
export type SentKind = NonNullable<Envelope['kind']['case']> | 'message';

/** What something with this header is; of a request, which one. */
export function describeHeader(header: Uint8Array | undefined): {
  readonly kind: SentKind;
  readonly request?: Uint8Array;
} {
  const { kind } = header === undefined ? {} : decodeEnvelope(header);
  if (kind?.case === 'request' && kind.value.call !== undefined)
    return { kind: kind.case, request: kind.value.call.id };
  return { kind: kind?.case ?? 'message' };
}

/** Whether something with this header is a message, and not a request or anything else that members exchange. */
export function isPlain(header: Uint8Array | undefined): boolean {
  return header === undefined || decodeEnvelope(header).kind.case === undefined;
}

function parse(bytes: Uint8Array): Envelope {
  try {
    return fromBinary(EnvelopeSchema, bytes);
  } catch (cause) {
    throw new MlsError('decryption_failure', 'a member sent a message that is no envelope', { cause });
  }
}
