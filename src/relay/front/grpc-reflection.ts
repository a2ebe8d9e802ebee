import { create } from '@bufbuild/protobuf';
import type { DescFile, MessageInitShape } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import type { handleBidiStreamingCall, Server } from '@grpc/grpc-js';
import { file_grpc_health_v1_health } from './gen/grpc/health/v1/health_pb.ts';
import {
  file_grpc_reflection_v1_reflection,
  ServerReflection,
  ServerReflectionResponseSchema,
} from './gen/grpc/reflection/v1/reflection_pb.ts';
import type { ServerReflectionRequest, ServerReflectionResponse } from './gen/grpc/reflection/v1/reflection_pb.ts';
import { grpcMethod } from './grpc-method.ts';
import { indexFiles, inPackage, protosOf } from './reflection-index.ts';
import type { ReflectionIndex } from './reflection-index.ts';

type Answer = NonNullable<MessageInitShape<typeof ServerReflectionResponseSchema>['messageResponse']>;

/** The package whose name older tools ask under; the same messages by the same numbers. */
const OLDER_PACKAGE = 'grpc.reflection.v1alpha';

/**
 * Adds `grpc.reflection.v1` and `v1alpha` to a server. Tools can then list and describe the services of `files`, the
 * health service, and reflection itself.
 */
export function addReflection(server: Server, files: readonly DescFile[]): void {
  const protos = protosOf([...files, file_grpc_health_v1_health, file_grpc_reflection_v1_reflection]);
  const index = indexFiles([...protos, inPackage(file_grpc_reflection_v1_reflection.proto, OLDER_PACKAGE)]);
  const serverReflectionInfo: handleBidiStreamingCall<ServerReflectionRequest, ServerReflectionResponse> = (call) => {
    call.on('error', () => call.end());
    call.on('data', (request: ServerReflectionRequest) => {
      const messageResponse = answer(index, request);
      const { host } = request;
      const response = { validHost: host, originalRequest: request, messageResponse };
      // Who does not read the answers is not read from either.
      if (!call.write(create(ServerReflectionResponseSchema, response))) call.pause();
    });
    call.on('drain', () => call.resume());
    call.on('end', () => call.end());
  };
  const { serverReflectionInfo: method } = ServerReflection.method;
  for (const service of [ServerReflection.typeName, `${OLDER_PACKAGE}.${ServerReflection.name}`]) {
    server.addService({ serverReflectionInfo: grpcMethod(method, service) }, { serverReflectionInfo });
  }
}

function answer(index: ReflectionIndex, { messageRequest }: ServerReflectionRequest): Answer {
  switch (messageRequest.case) {
    case 'fileByFilename':
      return filesOr(index.byName(messageRequest.value), 'no file of this name is known here');
    case 'fileContainingSymbol':
      return filesOr(index.bySymbol(messageRequest.value), 'no symbol of this name is known here');
    case 'listServices':
      return { case: 'listServicesResponse', value: { service: index.services.map((name) => ({ name })) } };
    case 'fileContainingExtension':
    case 'allExtensionNumbersOfType':
      return refusal(status.NOT_FOUND, 'nothing is extended here');
    case undefined:
      return refusal(status.INVALID_ARGUMENT, 'a request of a kind that is not known here');
  }
}

function filesOr(files: readonly Uint8Array[] | undefined, detail: string): Answer {
  if (files === undefined) return refusal(status.NOT_FOUND, detail);
  return { case: 'fileDescriptorResponse', value: { fileDescriptorProto: [...files] } };
}

function refusal(errorCode: number, errorMessage: string): Answer {
  return { case: 'errorResponse', value: { errorCode, errorMessage } };
}
