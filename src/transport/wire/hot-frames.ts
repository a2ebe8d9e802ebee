import type { MessageInitShape } from '@bufbuild/protobuf';
import { varintLength, writeVarint } from '../../base/varint.ts';
import type { EntryKind, Publish, PublishedSchema, QuotaSchema, Submission } from '../gen/skytale/relay/v1/relay_pb.ts';

// The two frames that a relay handles once per batch of messages, coded by hand: the generated codec takes ten times as
// long. Both do only what is common, and say so when a frame is something else, which the generated codec then takes.

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const EMPTY: Uint8Array = new Uint8Array(0);

/** Numbers above take the generated codec: their bytes cannot be read as a double. */
const MAX_VARINT_BYTES = 7;
/** What a reader returns where it does not go on by itself. No field has such a value. */
const UNUSUAL = -1;

function tag(field: number, wireType: number): number {
  return (field << 3) | wireType;
}

const FRAME_PUBLISH = tag(5, LENGTH_DELIMITED);
const FRAME_PUBLISHED = tag(6, LENGTH_DELIMITED);

/**
 * Reads a `ClientFrame` that holds a `Publish` of messages, as the generated codec would. Its bytes fields are views.
 *
 * @returns `undefined` for everything else: other frames, commits with Welcomes, unknown fields, broken bytes, more than
 * `maxSubmissions`.
 */
export function readPublish(bytes: Uint8Array, maxSubmissions: number = Number.MAX_SAFE_INTEGER): Publish | undefined {
  if (bytes[0] !== FRAME_PUBLISH) return undefined;
  const reader = new Reader(bytes);
  reader.at = 1;
  if (reader.end() !== bytes.length) return undefined;
  let request = 0;
  let round = 0;
  let channel = '';
  let group = EMPTY;
  const submissions: Submission[] = [];
  while (reader.at < bytes.length) {
    switch (bytes[reader.at++]) {
      case tag(1, VARINT):
        request = reader.uint32();
        break;
      case tag(2, LENGTH_DELIMITED): {
        const text = reader.ascii();
        if (text === undefined) return undefined;
        channel = text;
        break;
      }
      case tag(3, LENGTH_DELIMITED):
        group = reader.view();
        break;
      case tag(4, LENGTH_DELIMITED): {
        const submission = readSubmission(reader);
        if (submission === undefined || submissions.length === maxSubmissions) return undefined;
        submissions.push(submission);
        break;
      }
      case tag(5, VARINT):
        round = reader.uint32();
        break;
      default:
        return undefined;
    }
    if (reader.isLost) return undefined;
  }
  return { $typeName: 'skytale.relay.v1.Publish', request, channel, group, submissions, round };
}

function readSubmission(reader: Reader): Submission | undefined {
  const end = reader.end();
  if (end === UNUSUAL) return undefined;
  let kind: EntryKind = 0;
  let epoch = 0;
  let messageId = EMPTY;
  let payload = EMPTY;
  while (reader.at < end && !reader.isLost) {
    switch (reader.byte()) {
      case tag(1, VARINT):
        kind = reader.uint32() as EntryKind;
        break;
      case tag(2, VARINT):
        epoch = reader.varint();
        break;
      case tag(3, LENGTH_DELIMITED):
        messageId = reader.view();
        break;
      case tag(4, LENGTH_DELIMITED):
        payload = reader.view();
        break;
      default:
        return undefined;
    }
  }
  if (reader.at !== end || reader.isLost || kind > 0x7f) return undefined;
  return {
    $typeName: 'skytale.relay.v1.Submission',
    kind,
    epoch: BigInt(epoch),
    messageId,
    payload,
    welcomes: [],
  };
}

class Reader {
  at = 0;
  /** Met something that is unusual or broken: nothing that was read counts. */
  isLost = false;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  byte(): number {
    return this.#bytes[this.at++] ?? UNUSUAL;
  }

  varint(): number {
    let value = 0;
    let factor = 1;
    for (let count = 0; count < MAX_VARINT_BYTES; count += 1) {
      const byte = this.#bytes[this.at++];
      if (byte === undefined) break;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 0x80;
    }
    return this.#lose();
  }

  uint32(): number {
    const value = this.varint();
    return value <= 0xffff_ffff ? value : this.#lose();
  }

  /** Reads a length; where what it counts ends. */
  end(): number {
    const length = this.varint();
    const end = this.at + length;
    return length === UNUSUAL || end > this.#bytes.length ? this.#lose() : end;
  }

  view(): Uint8Array {
    const end = this.end();
    if (end === UNUSUAL) return EMPTY;
    const { buffer, byteOffset } = this.#bytes;
    const view = new Uint8Array(buffer, byteOffset + this.at, end - this.at); // `subarray` takes twice as long
    this.at = end;
    return view;
  }

  /** A string, unless it needs more than ASCII. */
  ascii(): string | undefined {
    const bytes = this.view();
    let text = '';
    for (const byte of bytes) {
      if (byte >= 0x80) return undefined;
      text += String.fromCharCode(byte);
    }
    return text;
  }

  #lose(): number {
    this.isLost = true;
    return UNUSUAL;
  }
}

/** Room for tag and length of a frame in front of its body. */
const HEADER_BYTES = 6;
/** An answer that accepts: two tags with their lengths, a number of up to ten bytes, a flag. */
const ACCEPTED_BYTES = 17;
const MAX_REQUEST_BYTES = 6;
/** Tag and length, and three numbers of up to eight bytes with their tags. */
const QUOTA_BYTES = 29;

/**
 * The bytes of a `ServerFrame` that holds a `Published`, as the generated codec would write them.
 *
 * @returns `undefined` if an answer refuses, or a number is above 2^53 - 1
 */
export function writePublished({
  request = 0,
  answers = [],
  quota,
}: MessageInitShape<typeof PublishedSchema>): Buffer | undefined {
  const capacity = HEADER_BYTES + MAX_REQUEST_BYTES + ACCEPTED_BYTES * answers.length + QUOTA_BYTES;
  const frame = Buffer.allocUnsafe(capacity);
  let at = HEADER_BYTES;
  if (request !== 0) {
    frame[at] = tag(1, VARINT);
    at = writeVarint(frame, at + 1, request);
  }
  for (const { result } of answers) {
    if (result?.case !== 'accepted') return undefined;
    const { seq = 0n, duplicate = false } = result.value;
    const number = Number(seq);
    if (!Number.isSafeInteger(number)) return undefined;
    const length = (number === 0 ? 0 : 1 + varintLength(number)) + (duplicate ? 2 : 0);
    frame[at] = tag(2, LENGTH_DELIMITED);
    frame[at + 1] = length + 2;
    frame[at + 2] = tag(1, LENGTH_DELIMITED);
    frame[at + 3] = length;
    at += 4;
    if (number !== 0) {
      frame[at] = tag(1, VARINT);
      at = writeVarint(frame, at + 1, number);
    }
    if (duplicate) {
      frame[at] = tag(2, VARINT);
      frame[at + 1] = 1;
      at += 2;
    }
  }
  if (quota !== undefined) {
    const end = writeQuota(frame, at, quota);
    if (end === undefined) return undefined;
    at = end;
  }
  const start = HEADER_BYTES - 1 - varintLength(at - HEADER_BYTES);
  frame[start] = FRAME_PUBLISHED;
  writeVarint(frame, start + 1, at - HEADER_BYTES);
  return frame.subarray(start, at);
}

/** Writes the field at `start`; returns where it ends. */
function writeQuota(
  frame: Uint8Array,
  start: number,
  { limit = 0n, remaining = 0n, resetsAtMs = 0n }: MessageInitShape<typeof QuotaSchema>,
): number | undefined {
  let at = start + 2;
  for (const [index, value] of [limit, remaining, resetsAtMs].entries()) {
    const number = Number(value);
    if (!Number.isSafeInteger(number)) return undefined;
    if (number === 0) continue;
    frame[at] = tag(index + 1, VARINT);
    at = writeVarint(frame, at + 1, number);
  }
  frame[start] = tag(3, LENGTH_DELIMITED);
  frame[start + 1] = at - start - 2;
  return at;
}
