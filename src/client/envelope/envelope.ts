import { PayloadError } from '../../actors/channel/index.ts';
import { objectionToTrace, type TraceContext } from './trace-context.ts';

/**
 * A payload that says what it is: to which agent protocol it belongs, of what type it is, what it answers. It lies inside
 * the ciphertext, so the relay sees none of it.
 */
export interface Envelope {
  /**
   * `a2a`, `acp`, `anp`, `lmos`, `mcp`, `nlip`, `slim`, one of your own, or one that this agent does not know, which passes
   * through. `raw` is what a plain payload has. 1 to 64 characters of `a-z 0-9 . _ + -`.
   */
  readonly protocol: string;
  /** Media type of the payload (RFC 9110 §8.3.1), at most 255 characters. */
  readonly contentType: string;
  readonly payload: Uint8Array;
  /** 1 to 128 visible ASCII characters, chosen by the sender. */
  readonly id?: string;
  /** The `id` of the envelope that this one answers. */
  readonly inReplyTo?: string;
  readonly trace?: TraceContext;
}

/** What a plain payload is shown as. */
export const RAW_PROTOCOL = 'raw';
/** The type of what nobody has said more of. */
export const OCTETS = 'application/octet-stream';

const PROTOCOL = /^[a-z0-9][a-z0-9._+-]{0,63}$/;
const ID = /^[\x21-\x7e]{1,128}$/;
const MAX_CONTENT_TYPE_LENGTH = 255;
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const MEDIA_TYPE = new RegExp(
  `^${TOKEN}/${TOKEN}(?:[ \\t]*;[ \\t]*${TOKEN}=(?:${TOKEN}|"(?:[\\t \\x21\\x23-\\x5b\\x5d-\\x7e]|\\\\[\\t \\x21-\\x7e])*"))*$`,
);

/** Whether `name` can name a protocol. */
export function isProtocolName(name: string): boolean {
  return PROTOCOL.test(name);
}

/** Whether `text` is a media type that an envelope can have. */
export function isMediaType(text: string): boolean {
  return text.length <= MAX_CONTENT_TYPE_LENGTH && MEDIA_TYPE.test(text);
}

/**
 * `envelope`, if all of it is in order.
 *
 * @throws {@link PayloadError} `invalid_payload`, which says what is not, and does not quote it
 */
export function checkEnvelope(envelope: Envelope): Envelope {
  const objection = objectionTo(envelope);
  if (objection === undefined) return envelope;
  throw new PayloadError(`the envelope is malformed: ${objection}`);
}

function objectionTo({ protocol, contentType, payload, id, inReplyTo, trace }: Envelope): string | undefined {
  if (!isText(protocol) || !isProtocolName(protocol)) {
    return '`protocol` is not 1 to 64 characters of a-z, 0-9 and ._+-';
  }
  if (!isText(contentType) || !isMediaType(contentType)) {
    return '`contentType` is no media type of at most 255 characters';
  }
  if (!(payload instanceof Uint8Array)) return '`payload` is no Uint8Array';
  if (!isId(id)) return '`id` is not 1 to 128 visible ASCII characters';
  if (!isId(inReplyTo)) return '`inReplyTo` is not 1 to 128 visible ASCII characters';
  if (trace === undefined) return undefined;
  return isObject(trace) ? objectionToTrace(trace) : '`trace` is no object';
}

function isId(id: string | undefined): boolean {
  return id === undefined || (isText(id) && ID.test(id));
}

// For callers without a compiler.

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
