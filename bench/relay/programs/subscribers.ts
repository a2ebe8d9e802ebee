import { once } from 'node:events';
import { nowMs } from '../../e2e/payload.ts';
import { serve } from '../../serve.ts';
import { creditFrame, openStream, subscribeFrame } from '../lean-stream.ts';
import type { Address, LeanStream } from '../lean-stream.ts';
import { FrameScanner } from '../lean-wire.ts';

/** Renewed by half. */
const CREDIT = 8192;

/** Where subscribers read. */
export interface Place {
  readonly address: Address;
  readonly channel: string;
  readonly connections: number;
  /** Sequence number behind which they start. */
  readonly afterSeq: number;
  /** Entries that the relay may be ahead of each. Default 8,192. */
  readonly credit?: number;
}

const scanner = new FrameScanner();
let streams: LeanStream[] = [];
let missing = 0;
let endedAtMs = 0;
let finish: () => void = () => undefined;

function arrived(count: number): void {
  missing -= count;
  if (missing > 0) return;
  if (missing < 0) throw new Error('more came than was sent');
  endedAtMs = nowMs();
  finish();
}

function readRelay({ call }: LeanStream, { channel, afterSeq, credit = CREDIT }: Place): void {
  let last = afterSeq;
  let used = 0;
  call.on('data', (frame: Buffer) => {
    const delivered = scanner.delivered(frame, last);
    const { count } = delivered;
    if (count === 0) return;
    last = delivered.last;
    used += count;
    if (used >= credit / 2) {
      call.write(creditFrame(1, used));
      used = 0;
    }
    arrived(count);
  });
  call.write(subscribeFrame(1, channel, afterSeq, credit));
}

function readBare({ call }: LeanStream): void {
  let last: number | undefined;
  call.on('data', (frame: Buffer) => {
    const first = frame.readUInt32BE(0);
    if (last !== undefined && first !== last) throw new Error(`message ${first} came where ${last} was due`);
    const count = frame.readUInt32BE(4);
    last = first + count;
    arrived(count);
  });
}

const calls = {
  /** Connects and subscribes, one after the other. Returns when the last one subscribed. */
  async open(place: Place): Promise<number> {
    let subscribedAtMs = 0;
    for (let index = 0; index < place.connections; index += 1) {
      const stream = openStream(place.address, 'subscriber');
      streams.push(stream);
      if (place.address.peer === 'bare') stream.call.write(Buffer.alloc(1));
      await once(stream.call, 'data');
      subscribedAtMs = nowMs();
      if (place.address.peer === 'bare') readBare(stream);
      else readRelay(stream, place);
    }
    return subscribedAtMs;
  },

  /** Stops reading: what comes stays in the connections, and when these are full, with the server. */
  pause(): void {
    for (const { call } of streams) call.pause();
  },

  /** Reads on. */
  resume(): void {
    for (const { call } of streams) call.resume();
  },

  /** Waits for so many messages, over all connections, from now on. Resolves at once. */
  expect(messages: number): void {
    if (missing !== 0) throw new Error('earlier messages are still under way');
    missing = messages;
  },

  /** Resolves when all that was expected has come; tells when the last one came. */
  async arrival(): Promise<number> {
    if (missing > 0) await new Promise<void>((resolve) => (finish = resolve));
    return endedAtMs;
  },

  /** Ends all connections. */
  disconnect(): void {
    for (const stream of streams) stream.close();
    streams = [];
  },
};

/** What the process of the subscribers can be asked for. */
export type SubscribersCalls = typeof calls;

serve(calls, () => {
  calls.disconnect();
  return Promise.resolve();
});
