import type { MethodDefinition } from '@grpc/grpc-js';

const passThrough = (bytes: Buffer): Buffer => bytes;

function method(name: string, isStream: boolean): MethodDefinition<Buffer, Buffer> {
  return {
    path: `/bench.Bare/${name}`,
    requestStream: isStream,
    responseStream: isStream,
    requestSerialize: passThrough,
    requestDeserialize: passThrough,
    responseSerialize: passThrough,
    responseDeserialize: passThrough,
  };
}

type Bytes = MethodDefinition<Buffer, Buffer>;

/** Type of {@link bareService}. An alias and not an interface: only so does grpc-js take it for `addService`. */
export type BareServiceDefinition = {
  /** Frames for all subscribers; each is answered with a few bytes, as a publish is. */
  readonly publisher: Bytes;
  /** All frames that any publisher sends. */
  readonly subscriber: Bytes;
  /** Answers with what it was sent. */
  readonly echo: Bytes;
};

/** The yardstick: grpc-js with raw Buffers, and nothing behind it. */
export const bareService: BareServiceDefinition = {
  publisher: method('Publish', true),
  subscriber: method('Subscribe', true),
  echo: method('Echo', false),
};
