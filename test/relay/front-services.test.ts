import { once } from 'node:events';
import { create, createFileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { Client, credentials, status } from '@grpc/grpc-js';
import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Health, HealthCheckRequestSchema } from '../../src/relay/front/gen/grpc/health/v1/health_pb.ts';
import type { HealthCheckResponse } from '../../src/relay/front/gen/grpc/health/v1/health_pb.ts';
import {
  ServerReflection,
  ServerReflectionRequestSchema,
} from '../../src/relay/front/gen/grpc/reflection/v1/reflection_pb.ts';
import type {
  ServerReflectionRequest,
  ServerReflectionResponse,
} from '../../src/relay/front/gen/grpc/reflection/v1/reflection_pb.ts';
import { grpcMethod } from '../../src/relay/front/grpc-method.ts';
import { startFront } from './support/front.ts';
import { TestClock } from './support/test-clock.ts';

const SERVING = 1;
const NOT_SERVING = 2;
const SERVICE_UNKNOWN = 3;

function clientOf(port: number): Client {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  onTestFinished(() => client.close());
  return client;
}

function check(client: Client, service = ''): Promise<HealthCheckResponse> {
  const { path, requestSerialize, responseDeserialize } = grpcMethod(Health.method.check);
  const request = create(HealthCheckRequestSchema, { service });
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error, answer) => {
      if (answer === undefined) reject(error ?? new Error('no answer'));
      else resolve(answer);
    });
  });
}

/** Statuses that a watch was told, and how it ended. */
function watch(client: Client, service = ''): { told: number[]; next(): Promise<unknown>; ended: Promise<unknown> } {
  const { path, requestSerialize, responseDeserialize } = grpcMethod(Health.method.watch);
  const request = create(HealthCheckRequestSchema, { service });
  const call = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, request);
  onTestFinished(() => call.cancel());
  const told: number[] = [];
  call.on('data', (answer: HealthCheckResponse) => told.push(answer.status));
  call.on('error', () => undefined);
  const ended = new Promise((resolve) => call.once('status', resolve));
  return { told, next: () => once(call, 'data'), ended };
}

describe('grpc.health.v1', () => {
  test('tells how the relay is, as a whole and by the name of its service', async () => {
    let isServing = true;
    const { port } = await startFront({ isServing: async () => isServing });
    const client = clientOf(port);
    expect((await check(client)).status).toBe(SERVING);
    expect((await check(client, 'skytale.relay.v1.Relay')).status).toBe(SERVING);
    isServing = false;
    expect((await check(client)).status).toBe(NOT_SERVING);
    await expect(check(client, 'skytale.relay.v1.Nothing')).rejects.toMatchObject({ code: status.NOT_FOUND });
  });

  test('takes a health that cannot be told for a bad one', async () => {
    const { port } = await startFront({ isServing: () => Promise.reject(new Error('the engine does not answer')) });
    expect((await check(clientOf(port))).status).toBe(NOT_SERVING);
  });

  test('tells those who watch what changes, and that the relay ends', async () => {
    const clock = new TestClock();
    let isServing = true;
    const front = await startFront({ isServing: async () => isServing, clock });
    const client = clientOf(front.port);
    const [whole, unknown] = [watch(client), watch(client, 'skytale.relay.v1.Nothing')];
    await Promise.all([whole.next(), unknown.next()]);
    isServing = false;
    clock.advance(10_000);
    await whole.next();
    isServing = true;
    clock.advance(10_000);
    await whole.next();
    clock.advance(10_000);
    expect([whole.told, unknown.told]).toEqual([[SERVING, NOT_SERVING, SERVING], [SERVICE_UNKNOWN]]);
    const closed = front.server.close();
    await whole.next();
    await Promise.all([whole.ended, unknown.ended, closed]);
    expect(whole.told.at(-1)).toBe(NOT_SERVING);
  });
});

describe('reflection', () => {
  const V1 = ServerReflection.typeName;
  const V1_ALPHA = 'grpc.reflection.v1alpha.ServerReflection';

  function reflection(
    port: number,
    service: string,
  ): (request: ServerReflectionRequest['messageRequest']) => Promise<ServerReflectionResponse> {
    const { path, requestSerialize, responseDeserialize } = grpcMethod(
      ServerReflection.method.serverReflectionInfo,
      service,
    );
    const call: ClientDuplexStream<ServerReflectionRequest, ServerReflectionResponse> = clientOf(
      port,
    ).makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    onTestFinished(() => call.cancel());
    call.on('error', (_: ServiceError) => undefined);
    return async (messageRequest) => {
      call.write(create(ServerReflectionRequestSchema, { host: 'relay', messageRequest }));
      const [answer] = (await once(call, 'data')) as [ServerReflectionResponse];
      expect(answer).toMatchObject({ validHost: 'relay', originalRequest: { messageRequest } });
      return answer;
    };
  }

  test('lists what the relay serves, itself included, to newer and older tools', async () => {
    const { port } = await startFront();
    for (const service of [V1, V1_ALPHA]) {
      const { messageResponse } = await reflection(port, service)({ case: 'listServices', value: '' });
      if (messageResponse.case !== 'listServicesResponse') throw new Error(`answered ${messageResponse.case}`);
      expect(messageResponse.value.service.map(({ name }) => name).sort()).toEqual([
        'grpc.health.v1.Health',
        V1,
        V1_ALPHA,
        'skytale.relay.v1.Relay',
      ]);
    }
  });

  test('gives the files that a symbol is declared in, complete', async () => {
    const { port } = await startFront();
    const ask = reflection(port, V1);
    const relay = 'skytale.relay.v1.Relay';
    for (const symbol of [relay, `${relay}.Connect`, 'skytale.relay.v1.Publish', V1, V1_ALPHA]) {
      const { messageResponse } = await ask({ case: 'fileContainingSymbol', value: symbol });
      if (messageResponse.case !== 'fileDescriptorResponse') throw new Error(`answered ${messageResponse.case}`);
      const [own, ...imported] = messageResponse.value.fileDescriptorProto.map((bytes) =>
        fromBinary(FileDescriptorProtoSchema, bytes),
      );
      const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: [...imported, own!] }));
      const [service, method] = symbol.endsWith('.Connect') ? [relay, 'Connect'] : [symbol, undefined];
      const found = registry.getService(service);
      expect(found ?? registry.getMessage(symbol)).toBeDefined();
      if (method !== undefined) expect(found?.methods.map(({ name }) => name)).toContain(method);
      const again = await ask({ case: 'fileByFilename', value: own!.name });
      expect(again.messageResponse).toEqual(messageResponse);
    }
  });

  test('says what it does not know, and goes on', async () => {
    const { port } = await startFront();
    const ask = reflection(port, V1);
    for (const request of [
      { case: 'fileByFilename', value: '/etc/passwd' },
      { case: 'fileContainingSymbol', value: 'skytale.relay.v1.Nothing' },
      { case: 'allExtensionNumbersOfType', value: 'skytale.relay.v1.Publish' },
    ] as const) {
      expect((await ask(request)).messageResponse).toMatchObject({
        case: 'errorResponse',
        value: { errorCode: status.NOT_FOUND },
      });
    }
    expect((await ask({ case: 'listServices', value: '*' })).messageResponse.case).toBe('listServicesResponse');
  });
});
