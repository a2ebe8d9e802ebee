import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type MessageInitShape,
  type MessageShape,
} from '@bufbuild/protobuf';
import { TransportError } from '../../base/errors.ts';
import { ClientFrameSchema, ServerFrameSchema } from '../gen/skytale/relay/v1/relay_pb.ts';
import { hasMoreFields } from './field-count.ts';
import { readPublish, writePublished } from './hot-frames.ts';

/** What {@link encodeClientFrame} takes: `{ case: 'ping', value: { nonce: 1n } }`. */
export type ClientFrameInit = NonNullable<MessageInitShape<typeof ClientFrameSchema>['frame']>;
/** What {@link decodeClientFrame} gives. `case` is `undefined` for a kind of frame that a newer peer knows. */
export type ClientFrameShape = MessageShape<typeof ClientFrameSchema>['frame'];

/** What {@link encodeServerFrame} takes: `{ case: 'pong', value: { nonce: 1n } }`. */
export type ServerFrameInit = NonNullable<MessageInitShape<typeof ServerFrameSchema>['frame']>;
/** What {@link decodeServerFrame} gives. `case` is `undefined` for a kind of frame that a newer peer knows. */
export type ServerFrameShape = MessageShape<typeof ServerFrameSchema>['frame'];

/** The bytes of one frame from client to relay. */
export function encodeClientFrame(frame: ClientFrameInit): Buffer {
  return asBuffer(toBinary(ClientFrameSchema, create(ClientFrameSchema, { frame })));
}

/** The bytes of one frame from relay to client. */
export function encodeServerFrame(frame: ServerFrameInit): Buffer {
  const hot = frame.case === 'published' ? writePublished(frame.value) : undefined;
  if (hot !== undefined) return hot;
  return asBuffer(toBinary(ServerFrameSchema, create(ServerFrameSchema, { frame })));
}

/**
 * Reads one frame from a client. Its bytes fields are views into `bytes`: copy what must outlive the frame, or a
 * 16-byte id keeps a whole batch in memory.
 *
 * @param maxFields fields that the frame may have, those of its submissions and Welcomes included
 * @throws {@link TransportError} `protocol_error` if `bytes` are no such protobuf, or have more fields.
 */
export function decodeClientFrame(bytes: Uint8Array, maxFields: number = Number.MAX_SAFE_INTEGER): ClientFrameShape {
  const view = plainView(bytes);
  const publish = readPublish(view, maxFields);
  if (publish !== undefined) return { case: 'publish', value: publish };
  if (hasMoreFields(view, maxFields)) {
    throw new TransportError('protocol_error', `received a frame of more than ${maxFields} fields`);
  }
  return decode(ClientFrameSchema, bytes).frame;
}

/**
 * Reads one frame from a relay. Its bytes fields are views into `bytes`: copy what must outlive the frame.
 *
 * @throws {@link TransportError} `protocol_error` if `bytes` are no such protobuf.
 */
export function decodeServerFrame(bytes: Uint8Array): ServerFrameShape {
  return decode(ServerFrameSchema, bytes).frame;
}

function decode<Schema extends DescMessage>(schema: Schema, bytes: Uint8Array): MessageShape<Schema> {
  try {
    return fromBinary(schema, plainView(bytes), { readUnknownFields: false });
  } catch (cause) {
    throw new TransportError('protocol_error', `received ${bytes.length} bytes that are no ${schema.name}`, { cause });
  }
}

/** Views into a Buffer would be Buffers, whose `slice` shares memory where everybody expects a copy. */
function plainView(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
