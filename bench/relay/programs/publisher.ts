import { once } from 'node:events';
import { nowMs } from '../../e2e/payload.ts';
import { serve } from '../../serve.ts';
import { openStream } from '../lean-stream.ts';
import type { Address, LeanStream } from '../lean-stream.ts';
import { BareTemplate, FrameScanner, PublishTemplate } from '../lean-wire.ts';

/** Frames that wait for their answers: enough to hide a flush of the disk, below what a relay reads ahead. */
const WINDOW_BYTES = 768 * 1024;

/** What is published. */
export interface Stream {
  readonly channel: string;
  readonly batch: number;
  readonly payloadBytes: number;
}

interface Started {
  /** When the first frame was handed over. */
  readonly startedAtMs: number;
}

let stream: LeanStream | undefined;
let template: PublishTemplate | BareTemplate | undefined;
let batch = 0;
let window = 0;
let unanswered = 0;
let wake: () => void = () => undefined;

const scanner = new FrameScanner();

const calls = {
  /** Connects. */
  async open({ address, stream: wanted }: { readonly address: Address; readonly stream: Stream }): Promise<void> {
    const relayed = new PublishTemplate(wanted.channel, wanted.batch, wanted.payloadBytes);
    // Both peers are sent the same number of bytes.
    const frameBytes = relayed.next().length;
    template = address.peer === 'relay' ? relayed : new BareTemplate(wanted.batch, frameBytes);
    batch = wanted.batch;
    window = Math.max(2, Math.floor(WINDOW_BYTES / frameBytes));
    stream = openStream(address, 'publisher');
    if (address.peer === 'relay') await once(stream.call, 'data');
    stream.call.on('data', (frame: Buffer) => {
      if (address.peer === 'relay' && scanner.accepted(frame) !== batch) throw new Error('an answer is incomplete');
      unanswered -= 1;
      wake();
    });
  },

  /** Publishes so many messages as fast as they are answered. Resolves when all are. */
  async saturate(messages: number): Promise<Started> {
    if (stream === undefined || template === undefined) throw new Error('there is no stream yet');
    const startedAtMs = nowMs();
    for (let sent = 0; sent < messages; sent += batch) {
      while (unanswered >= window) await new Promise<void>((resolve) => (wake = resolve));
      unanswered += 1;
      stream.call.write(template.next());
    }
    while (unanswered > 0) await new Promise<void>((resolve) => (wake = resolve));
    return { startedAtMs };
  },
};

/** What the publisher's process can be asked for. */
export type PublisherCalls = typeof calls;

serve(calls, () => {
  stream?.close();
  return Promise.resolve();
});
