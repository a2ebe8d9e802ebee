import type { MethodDefinition } from '@grpc/grpc-js';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import type { DescMessage, DescMethod, MessageShape } from '@bufbuild/protobuf';

type TypedMethod<Input extends DescMessage, Output extends DescMessage> = DescMethod & {
  readonly input: Input;
  readonly output: Output;
};

/**
 * A method as grpc-js wants it, from its descriptor.
 *
 * @param service its service's full name, where it is to be served under another name than its own
 */
export function grpcMethod<Input extends DescMessage, Output extends DescMessage>(
  method: TypedMethod<Input, Output>,
  service: string = method.parent.typeName,
): MethodDefinition<MessageShape<Input>, MessageShape<Output>> {
  const codec = <Schema extends DescMessage>(schema: Schema) => ({
    serialize: (message: MessageShape<Schema>): Buffer => Buffer.from(toBinary(schema, message)),
    deserialize: (bytes: Buffer): MessageShape<Schema> => fromBinary(schema, bytes),
  });
  const request = codec(method.input);
  const response = codec(method.output);
  return {
    path: `/${service}/${method.name}`,
    requestStream: method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming',
    responseStream: method.methodKind === 'server_streaming' || method.methodKind === 'bidi_streaming',
    requestSerialize: request.serialize,
    requestDeserialize: request.deserialize,
    responseSerialize: response.serialize,
    responseDeserialize: response.deserialize,
  };
}
