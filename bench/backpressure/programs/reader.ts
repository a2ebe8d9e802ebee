import { type Channel, type ClientChannel, iterate, SkytaleClient } from '../../../src/index.ts';
import { serve } from '../../serve.ts';

/** How the reader reads: with a handler that takes its time, or with a loop that does. */
export type SlowMode = 'consume' | 'iterate';

let client: SkytaleClient | undefined;
let channel: ClientChannel | undefined;
let taken = 0;
let slow = 0;
let goOn: (() => void) | undefined;

function later(): Promise<void> {
  return new Promise((resolve) => (goOn = resolve));
}

async function loop(channel$: Channel): Promise<void> {
  // In a turn of its own for each message, as slow as the bench wants it.
  for await (const message of iterate(channel$, { capacity: 64, overflow: 'wait' })) {
    taken = message.seq;
    await later();
  }
}

const calls = {
  open({ endpoint, dataDir }: { readonly endpoint: string; readonly dataDir: string }): Promise<Uint8Array> {
    client = new SkytaleClient(endpoint, dataDir, new TextEncoder().encode('reader'));
    return client.generateKeyPackage();
  },

  /** Joins, and reads one message at the most. */
  async join(at: { readonly name: string; readonly welcome: Uint8Array; readonly mode: SlowMode }): Promise<void> {
    channel = await client?.joinChannel(at.name, at.welcome);
    const { channel$ } = channel ?? {};
    if (channel$ === undefined) throw new Error('the reader is not open');
    channel$.faults$.subscribe(({ kind }) => {
      if (kind === 'slow') slow += 1;
      else throw new Error(`fault ${kind}`);
    });
    if (at.mode === 'iterate') void loop(channel$);
    else {
      channel$.consume(async ({ seq }) => {
        taken = seq;
        await later();
      });
    }
  },

  /** How far it has come, and how often it was told that it is slow. */
  progress(): { readonly seq: number; readonly taken: number; readonly slow: number } {
    return { seq: channel?.channel$.state$.value.seq ?? 0, taken, slow };
  },

  /** Lets go of the message in hand. */
  step(): void {
    goOn?.();
  },
};

/** What the reader's process can be asked for. */
export type ReaderCalls = typeof calls;

serve(calls, async () => {
  goOn?.();
  await client?.close();
});
