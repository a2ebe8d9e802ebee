import { setTimeout as sleep } from 'node:timers/promises';
import { type ClientChannel, SkytaleClient } from '../../../src/client/index.ts';
import { serve } from '../../serve.ts';
import { nowMs, stampedPayload } from '../payload.ts';

/** Sends that wait for their receipts: more than mailbox and outbox hold together, so that the mailbox is always full. */
const WINDOW = 1536;

interface Started {
  /** When the first of the messages was handed over. */
  readonly startedAtMs: number;
}

let client: SkytaleClient | undefined;
let channel: ClientChannel | undefined;
let sent = 0;

function opened(): ClientChannel {
  if (channel === undefined) throw new Error('the channel is not open');
  return channel;
}

async function send(): Promise<void> {
  const sentAtMs = nowMs();
  await opened().send(stampedPayload({ index: sent++, sentAtMs }));
}

const calls = {
  /** Opens the agent and its channel. */
  async open(at: { readonly endpoint: string; readonly dataDir: string; readonly name: string }): Promise<void> {
    client = new SkytaleClient(at.endpoint, at.dataDir, new TextEncoder().encode('sender'));
    channel = await client.createChannel(at.name);
  },

  /** Adds all members with one commit, and returns their Welcome. */
  async add(keyPackages: readonly Uint8Array[]): Promise<Uint8Array> {
    const { welcome } = await opened().channel$.commit({ add: keyPackages });
    if (welcome === undefined) throw new Error('the commit made no Welcome');
    return welcome;
  },

  /** Sends so many messages as fast as they are taken. Resolves when the relay has acknowledged all. */
  async saturate(messages: number): Promise<Started> {
    const startedAtMs = nowMs();
    let left = messages;
    const sendInTurn = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await send();
      }
    };
    await Promise.all(Array.from({ length: WINDOW }, sendInTurn));
    return { startedAtMs };
  },

  /** Sends at a steady rate and waits for no receipt in between: a slow message does not hold back the next. */
  async pace({ messages, perSecond }: { readonly messages: number; readonly perSecond: number }): Promise<Started> {
    const startedAtMs = nowMs();
    const receipts: Promise<void>[] = [];
    for (let index = 0; index < messages; index += 1) {
      const aheadMs = startedAtMs + (index * 1000) / perSecond - nowMs();
      if (aheadMs > 0) await sleep(aheadMs);
      receipts.push(send());
    }
    await Promise.all(receipts);
    return { startedAtMs };
  },
};

/** What the sender's process can be asked for. */
export type SenderCalls = typeof calls;

serve(calls, async () => client?.close());
