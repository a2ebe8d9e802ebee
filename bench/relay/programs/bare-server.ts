import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { handleBidiStreamingCall, handleUnaryCall, ServerDuplexStream } from '@grpc/grpc-js';
import { serve } from '../../serve.ts';
import { bareService } from '../bare-service.ts';

const ACKNOWLEDGEMENT = Buffer.alloc(8);

const subscribers = new Set<ServerDuplexStream<Buffer, Buffer>>();
const publishers = new Set<ServerDuplexStream<Buffer, Buffer>>();
const server = new Server({
  'grpc.enable_channelz': 0,
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
});

/** A subscriber that is full holds up the publishers: nothing may pile up here. */
function throttle(): void {
  const isFull = [...subscribers].some(({ writableNeedDrain }) => writableNeedDrain);
  for (const call of publishers) {
    if (isFull) call.pause();
    else call.resume();
  }
}

const publisher: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
  publishers.add(call);
  for (const event of ['close', 'cancelled']) call.on(event, () => publishers.delete(call));
  call.on('error', () => undefined);
  call.on('data', (frame: Buffer) => {
    let isFull = false;
    for (const subscriber of subscribers) isFull = !subscriber.write(frame) || isFull;
    call.write(ACKNOWLEDGEMENT);
    if (isFull) call.pause();
  });
};

const subscriber: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
  subscribers.add(call);
  for (const event of ['close', 'cancelled']) call.on(event, () => subscribers.delete(call));
  call.on('error', () => undefined);
  call.on('data', () => call.write(ACKNOWLEDGEMENT)); // greeted
  call.on('drain', throttle);
};

const echo: handleUnaryCall<Buffer, Buffer> = ({ request }, callback) => callback(null, request);

const calls = {
  /** Listens on a free port; returns `host:port`. */
  async open(): Promise<string> {
    server.addService(bareService, { publisher, subscriber, echo });
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
        if (error === null) resolve(bound);
        else reject(error);
      });
    });
    return `127.0.0.1:${port}`;
  },
};

/** What the bare server's process can be asked for. */
export type BareServerCalls = typeof calls;

serve(calls, () => {
  server.forceShutdown();
  return Promise.resolve();
});
