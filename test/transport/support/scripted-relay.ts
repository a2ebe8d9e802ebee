import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { decodeClientFrame, encodeServerFrame, relayService } from '../../../src/transport/index.ts';
import type { ClientFrameShape, ServerFrameInit } from '../../../src/transport/index.ts';

/** One client's call, from the relay's side. */
export interface ScriptedCall {
  readonly authorization: string | undefined;
  send(frame: ServerFrameInit): void;
  sendBytes(bytes: Buffer): void;
  /** Ends the call with a gRPC status. */
  fail(code: number, details: string): void;
  /** Stops reading. */
  pause(): void;
}

/** What a scripted relay does: anything, right or wrong. */
export interface Script {
  open?(call: ScriptedCall): void;
  frame?(frame: ClientFrameShape, call: ScriptedCall): void;
  closed?(call: ScriptedCall): void;
}

/** A gRPC server on 127.0.0.1 that speaks the wire and leaves the rules to the test. */
export interface ScriptedRelay extends AsyncDisposable {
  readonly port: number;
  readonly endpoint: string;
}

export const READY: ServerFrameInit = {
  case: 'ready',
  value: { protocolVersion: 1, maxPayloadBytes: 262_144, maxBatchEntries: 128, maxFrameBytes: 4 * 2 ** 20 },
};

export async function startScriptedRelay(
  script: Script,
  port = 0,
  credentials: ServerCredentials = ServerCredentials.createInsecure(),
): Promise<ScriptedRelay> {
  const server = new Server({ 'grpc.max_receive_message_length': 16 * 2 ** 20 });
  server.addService(relayService, {
    connect: (stream: ServerDuplexStream<Buffer, Buffer>) => {
      const call: ScriptedCall = {
        authorization: stream.metadata.get('authorization')[0]?.toString(),
        send: (frame) => void stream.write(encodeServerFrame(frame)),
        sendBytes: (bytes) => void stream.write(bytes),
        fail: (code, details) => void stream.emit('error', { code, details }),
        pause: () => void stream.pause(),
      };
      let isOver = false;
      const end = (): void => {
        if (!isOver) script.closed?.(call);
        isOver = true;
      };
      stream.on('error', end);
      stream.on('cancelled', end);
      stream.on('data', (bytes: Buffer) => script.frame?.(decodeClientFrame(bytes), call));
      stream.on('end', () => {
        end();
        stream.end();
      });
      script.open?.(call);
    },
  });
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, credentials, (error, actual) => {
      if (error) reject(error);
      else resolve(actual);
    });
  });
  return {
    port: bound,
    endpoint: `http://127.0.0.1:${bound}`,
    [Symbol.asyncDispose]: async () => server.forceShutdown(),
  };
}
