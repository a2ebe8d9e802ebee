import type { DescFile } from '@bufbuild/protobuf';
import type { MethodDefinition } from '@grpc/grpc-js';
import { file_skytale_relay_v1_relay, Relay } from '../gen/skytale/relay/v1/relay_pb.ts';

/** The version of the wire protocol that this package speaks, sent in `Hello` and `Ready`. */
export const PROTOCOL_VERSION = 1;

/** `skytale/relay/v1/relay.proto`, for servers that describe themselves. */
export const relayFile: DescFile = file_skytale_relay_v1_relay;

/**
 * The details of the gRPC status `UNAVAILABLE` with which a relay that goes away ends its streams, after it has answered what
 * was published: its clients go to another relay at once.
 */
export const DRAINING_DETAILS = 'the relay is shutting down';

/** Type of {@link relayService}. */
export type RelayServiceDefinition = {
  // An alias and not an interface: only so does grpc-js take it for `addService`.
  readonly connect: MethodDefinition<Buffer, Buffer>;
};

const passThrough = (bytes: Buffer): Buffer => bytes;

/**
 * `skytale.relay.v1.Relay` for grpc-js, client and server. Its messages are Buffers on purpose: bytes that are no
 * protobuf then reach our code, which can answer and count them, instead of ending the call inside grpc-js. Encode and
 * decode with `encodeClientFrame` and its siblings.
 */
export const relayService: RelayServiceDefinition = {
  connect: {
    path: `/${Relay.typeName}/${Relay.method.connect.name}`,
    requestStream: true,
    responseStream: true,
    requestSerialize: passThrough,
    requestDeserialize: passThrough,
    responseSerialize: passThrough,
    responseDeserialize: passThrough,
  },
};
