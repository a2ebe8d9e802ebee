import { once } from 'node:events';
import { serve } from '../../serve.ts';
import { openStream, subscribeFrame } from '../lean-stream.ts';
import type { Address, LeanStream } from '../lean-stream.ts';
import { FrameScanner, PublishTemplate } from '../lean-wire.ts';

/** Connections that are being made at once. */
const WIDTH = 50;
/** A relay gives one connection so many subscriptions by default. */
const SUBSCRIPTIONS = 1000;

let streams: LeanStream[] = [];
const scanner = new FrameScanner();

/** Connects, subscribes to nothing much, and waits until the relay has said all that it has to say. */
async function idle(address: Address, channel: string): Promise<void> {
  const stream = openStream(address, 'subscriber');
  streams.push(stream);
  await once(stream.call, 'data'); // ready
  stream.call.write(subscribeFrame(1, channel, 0, 1000));
  await once(stream.call, 'data'); // caught up
}

async function inParallel(count: number, width: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

const calls = {
  /** Opens connections that do nothing, each with one subscription. */
  async connect(at: {
    readonly address: Address;
    readonly connections: number;
    readonly channel: string;
  }): Promise<void> {
    await inParallel(at.connections, WIDTH, () => idle(at.address, at.channel));
  },

  /** Makes channels with one message each, and subscribes to all of them. */
  async channels({ address, channels }: { readonly address: Address; readonly channels: number }): Promise<void> {
    const publisher = openStream(address, 'publisher');
    await once(publisher.call, 'data');
    for (let from = 0; from < channels; from += SUBSCRIPTIONS) {
      const stream = openStream(address, 'subscriber');
      streams.push(stream);
      await once(stream.call, 'data');
      const upTo = Math.min(channels, from + SUBSCRIPTIONS);
      let caughtUp = 0;
      const all = new Promise<void>((resolve) => {
        stream.call.on('data', (frame: Buffer) => {
          if (scanner.isCaughtUp(frame) && ++caughtUp === upTo - from) resolve();
        });
      });
      for (let channel = from; channel < upTo; channel += 1) {
        const name = `bench/idle/channel-${channel}`;
        publisher.call.write(new PublishTemplate(name, 1, 100).next());
        const [answer] = (await once(publisher.call, 'data')) as [Buffer];
        if (scanner.accepted(answer) !== 1) throw new Error('a message has no answer');
        stream.call.write(subscribeFrame(channel - from + 1, name, 0, 1000));
      }
      await all;
    }
    publisher.close();
  },

  /** How many of the connections are still there. */
  connected(): number {
    return streams.filter(({ call }) => !call.destroyed && call.readable).length;
  },

  disconnect(): void {
    for (const stream of streams) stream.close();
    streams = [];
  },
};

/** What a process of idle clients can be asked for. */
export type IdlersCalls = typeof calls;

serve(calls, () => {
  calls.disconnect();
  return Promise.resolve();
});
