import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { PayloadError } from '../../actors/channel/index.ts';
import { checkEnvelope, type Envelope, OCTETS, RAW_PROTOCOL } from './envelope.ts';
import { type TaggedPayload, TaggedPayloadSchema } from './gen/skytale/envelope/v1/tagged_payload_pb.ts';

/** `SKYENV` behind a byte that no UTF-8 text holds: no text is ever taken for an envelope. */
const MAGIC = Uint8Array.of(0xff, 0x53, 0x4b, 0x59, 0x45, 0x4e, 0x56);
const VERSION = 1;
const PREFIX_BYTES = MAGIC.length + 1;
/** Bytes that everything but the payload may take; what our fields may hold at most is less than half of it. */
const MAX_HEADER_BYTES = 4096;

/**
 * `envelope` as the payload of a message. One that says nothing but `raw` is its payload itself.
 *
 * @throws {@link PayloadError} `invalid_payload` for one that is malformed
 */
export function encodeEnvelope(envelope: Envelope): Uint8Array {
  const { protocol, contentType, payload, id, inReplyTo, trace } = checkEnvelope(envelope);
  if (isPlain(envelope) && !isTagged(payload)) return payload;
  const body = toBinary(
    TaggedPayloadSchema,
    create(TaggedPayloadSchema, {
      protocol,
      contentType,
      payload,
      ...(id !== undefined && { id }),
      ...(inReplyTo !== undefined && { inReplyTo }),
      ...trace,
    }),
  );
  const encoded = new Uint8Array(PREFIX_BYTES + body.length);
  encoded.set(MAGIC);
  encoded[MAGIC.length] = VERSION;
  encoded.set(body, PREFIX_BYTES);
  return encoded;
}

/**
 * The envelope that a payload is. A plain payload is one of protocol `raw`, without anything else.
 *
 * @throws {@link PayloadError} `invalid_payload` for one that begins as an envelope and is malformed, or of a version that
 * is not known here
 */
export function decodeEnvelope(payload: Uint8Array): Envelope {
  if (!isTagged(payload)) return { protocol: RAW_PROTOCOL, contentType: OCTETS, payload };
  const version = payload[MAGIC.length];
  if (version !== VERSION) {
    throw new PayloadError(`the envelope has version ${version ?? 'none'}, and only ${VERSION} is known here`);
  }
  const tagged = parse(payload.subarray(PREFIX_BYTES));
  if (payload.length - tagged.payload.length > MAX_HEADER_BYTES) {
    throw new PayloadError(`the envelope has more than ${MAX_HEADER_BYTES} bytes beside its payload`);
  }
  return checkEnvelope(toEnvelope(tagged));
}

/** Whether a payload says that it is an envelope. */
function isTagged(payload: Uint8Array): boolean {
  return payload.length >= MAGIC.length && MAGIC.every((byte, index) => payload[index] === byte);
}

/** Whether an envelope says no more than its payload does. */
function isPlain({ protocol, contentType, id, inReplyTo, trace }: Envelope): boolean {
  const isUntold = id === undefined && inReplyTo === undefined && trace === undefined;
  return protocol === RAW_PROTOCOL && contentType === OCTETS && isUntold;
}

function parse(body: Uint8Array): TaggedPayload {
  try {
    return fromBinary(TaggedPayloadSchema, body);
  } catch (cause) {
    throw new PayloadError('the envelope is damaged', { cause });
  }
}

/** In protobuf, a text that is absent is empty; none of ours may be. */
function toEnvelope({ protocol, contentType, payload, id, inReplyTo, ...trace }: TaggedPayload): Envelope {
  const { traceparent, tracestate } = trace;
  const hasTrace = traceparent !== '' || tracestate !== '';
  return {
    protocol,
    contentType,
    payload,
    ...(id !== '' && { id }),
    ...(inReplyTo !== '' && { inReplyTo }),
    ...(hasTrace && { trace: { traceparent, ...(tracestate !== '' && { tracestate }) } }),
  };
}
