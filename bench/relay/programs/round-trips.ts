import { once } from 'node:events';
import type { Client } from '@grpc/grpc-js';
import { encodeClientFrame, submissionToWire } from '../../../src/transport/index.ts';
import { nowMs } from '../../e2e/payload.ts';
import { serve } from '../../serve.ts';
import { bareService } from '../bare-service.ts';
import { leanClient, openStream } from '../lean-stream.ts';
import type { Address, LeanStream } from '../lean-stream.ts';
import { FrameScanner, GROUP } from '../lean-wire.ts';

const PAYLOAD = Buffer.alloc(1024, 0x5a);

let stream: LeanStream | undefined;
let unary: Client | undefined;
let channel = '';
let epoch = 0n;

const scanner = new FrameScanner();

function commitFrame(): Buffer {
  const messageId = Buffer.alloc(16);
  messageId.writeBigUInt64BE(epoch, 0);
  const submission = submissionToWire({ kind: 'commit', epoch, messageId, payload: PAYLOAD });
  epoch += 1n;
  const value = { request: Number(epoch), channel, group: GROUP, submissions: [submission] };
  return encodeClientFrame({ case: 'publish', value });
}

async function commit({ call }: LeanStream): Promise<void> {
  const answered = once(call, 'data') as Promise<[Buffer]>;
  call.write(commitFrame());
  const [answer] = await answered;
  if (scanner.accepted(answer) !== 1) throw new Error('a commit has no answer');
}

function echo(client: Client): Promise<void> {
  const { path, requestSerialize, responseDeserialize } = bareService.echo;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, requestSerialize, responseDeserialize, PAYLOAD, (error) => {
      if (error === null) resolve();
      else reject(error);
    });
  });
}

/** How long each of `count` calls in a row took, in ms. */
async function time(count: number, call: () => Promise<void>): Promise<Float64Array> {
  const latencies = new Float64Array(count);
  for (let index = 0; index < count; index += 1) {
    const startedAtMs = nowMs();
    await call();
    latencies[index] = nowMs() - startedAtMs;
  }
  return latencies;
}

const calls = {
  /** Connects to the relay and to the bare server. */
  async open(at: { readonly relay: Address; readonly bare: Address; readonly channel: string }): Promise<void> {
    channel = at.channel;
    stream = openStream(at.relay, 'publisher');
    unary = leanClient(at.bare);
    await once(stream.call, 'data');
    await echo(unary);
  },

  /** Commits, one after the other, each stored before the next is sent. */
  commits(count: number): Promise<Float64Array> {
    const opened = stream;
    if (opened === undefined) throw new Error('there is no stream yet');
    return time(count, () => commit(opened));
  },

  /** Unary calls of bare grpc-js, one after the other, with as many bytes in each direction as a commit has in one. */
  echoes(count: number): Promise<Float64Array> {
    const opened = unary;
    if (opened === undefined) throw new Error('there is no client yet');
    return time(count, () => echo(opened));
  },
};

/** What the process that measures round trips can be asked for. */
export type RoundTripCalls = typeof calls;

serve(calls, () => {
  stream?.close();
  unary?.close();
  return Promise.resolve();
});
