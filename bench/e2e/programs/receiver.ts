import { type ClientChannel, SkytaleClient } from '../../../src/client/index.ts';
import { fileSink, record, type Recording } from '../../../src/replay/index.ts';
import { serve } from '../../serve.ts';
import { nowMs, readStamp } from '../payload.ts';

/** How the receiver reads: the live stream, or the durable consumer. */
export type ReadingMode = 'channel$' | 'consume';

/** What came of the messages that a receiver waited for. */
export interface Arrival {
  /** When the last one was handed to the reader. */
  readonly endedAtMs: number;
  /** From before `send` to the reader, of each message in order. */
  readonly latenciesMs: Float64Array;
}

/** Messages that are waited for. */
class Collection {
  readonly done: Promise<Arrival>;
  readonly #latenciesMs: Float64Array;
  #count = 0;
  #resolve!: (arrival: Arrival) => void;

  constructor(messages: number) {
    this.#latenciesMs = new Float64Array(messages);
    this.done = new Promise((resolve) => (this.#resolve = resolve));
  }

  get isComplete(): boolean {
    return this.#count === this.#latenciesMs.length;
  }

  add(latencyMs: number, atMs: number): void {
    this.#latenciesMs[this.#count++] = latencyMs;
    if (this.isComplete) this.#resolve({ endedAtMs: atMs, latenciesMs: this.#latenciesMs });
  }
}

let client: SkytaleClient | undefined;
let channel: ClientChannel | undefined;
let collection = new Collection(0);
let received = 0;
let recording: Recording | undefined;

function take(payload: Uint8Array): void {
  const atMs = nowMs();
  const { index, sentAtMs } = readStamp(payload);
  if (index !== received) throw new Error(`message ${index} came where ${received} was due`);
  if (collection.isComplete) throw new Error(`message ${index} came, and nobody had sent it`);
  received += 1;
  collection.add(atMs - sentAtMs, atMs);
}

/** A benchmark of something that goes wrong says nothing: ends the process. */
function refuse(reason: unknown): void {
  queueMicrotask(() => {
    throw reason instanceof Error ? reason : new Error(String(reason));
  });
}

const calls = {
  /** Opens the agent, and returns a key package of it. */
  open({ endpoint, dataDir }: { readonly endpoint: string; readonly dataDir: string }): Promise<Uint8Array> {
    client = new SkytaleClient(endpoint, dataDir, new TextEncoder().encode('receiver'));
    return client.generateKeyPackage();
  },

  /** Joins, and starts to read. */
  async join(at: { readonly name: string; readonly welcome: Uint8Array; readonly mode: ReadingMode }): Promise<void> {
    channel = await client?.joinChannel(at.name, at.welcome);
    const { channel$ } = channel ?? {};
    channel$?.faults$.subscribe((fault) => refuse(`fault ${fault.kind}`));
    if (at.mode === 'channel$') channel$?.subscribe(({ payload }) => take(payload));
    // A handler that throws is tried again, so what is wrong with a message must end the process from outside.
    else {
      channel$?.consume(({ payload }) => {
        try {
          take(payload);
        } catch (error) {
          refuse(error);
        }
      });
    }
  },

  /** Waits for so many messages from now on. Resolves at once; {@link calls.arrival} tells when they have come. */
  expect(messages: number): void {
    if (!collection.isComplete) throw new Error('earlier messages are still under way');
    collection = new Collection(messages);
  },

  /** Records from now on, into a file. */
  async record(at: {
    readonly file: string;
    readonly mode: 'wire' | 'plaintext';
    readonly key?: Uint8Array;
  }): Promise<void> {
    if (channel === undefined) throw new Error('the channel is not open');
    const { mode, key } = at;
    const options = mode === 'plaintext' ? { mode } : key && { mode, key };
    recording = await record(channel.channel$, fileSink(at.file), options);
  },

  /** Resolves when the tape is whole. */
  async stopRecording(): Promise<void> {
    await recording?.stop();
    recording = undefined;
  },

  /** Resolves when all the messages that were expected have been read. */
  arrival(): Promise<Arrival> {
    return collection.done;
  },
};

/** What the receiver's process can be asked for. */
export type ReceiverCalls = typeof calls;

serve(calls, async () => client?.close());
