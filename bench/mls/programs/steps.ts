import {
  commitChange,
  createMlsEngine,
  encryptMessage,
  receiveMessage,
  type CryptoProviderName,
  type Group,
  type MlsEngine,
} from '../../../src/mls/index.ts';
import { serve } from '../../serve.ts';
import { cpuMicros } from './cpu.ts';
import { Floor } from './floor.ts';
import { groupOfOne, keyPackages, NOW_MS, pairIn } from './groups.ts';
import { measureRestore, measureStore, type RestoreRequest, type StoreCost } from './stored.ts';

const PAYLOAD_BYTES = 1024;
const MEMBERS = 10;
const ADDED = 100;
const AAD = new Uint8Array(16);
/**
 * Messages of one sample: enough that neither the clock's grain counts nor what the collection before it has left behind.
 * The first hundreds ask the system for memory that it has just been given back, which no channel does that is in use.
 */
const MESSAGES: Readonly<Record<CryptoProviderName, number>> = { node: 2000, web: 200 };

/** One round of measuring messages, each kind right after the other: µs of CPU for one message. */
export interface MessageRound {
  readonly floor: MessageCost;
  readonly node: MessageCost;
  readonly web: MessageCost;
}

/** µs of CPU for one message. */
export interface MessageCost {
  readonly encrypt: number;
  readonly decrypt: number;
}

/** µs of CPU for one commit that adds 100 members. */
export interface CommitRound {
  readonly node: number;
  readonly web: number;
}

const payload = new Uint8Array(PAYLOAD_BYTES).fill(7);

/** A pair that sends and receives, over and over. */
class Conversation {
  readonly #engine: MlsEngine;
  readonly #count: number;
  #sender: Group;
  #receiver: Group;

  private constructor(engine: MlsEngine, sender: Group, receiver: Group, count: number) {
    this.#engine = engine;
    this.#sender = sender;
    this.#receiver = receiver;
    this.#count = count;
  }

  static async on(provider: CryptoProviderName): Promise<Conversation> {
    const { engine, sender, receiver } = await pairIn(MEMBERS, provider);
    return new Conversation(engine, sender, receiver, MESSAGES[provider]);
  }

  async measure(): Promise<MessageCost> {
    const ciphertexts: Uint8Array[] = [];
    const encrypt = await cpuMicros(this.#count, async () => {
      for (let sent = 0; sent < this.#count; sent += 1) {
        const { group, ciphertext } = await encryptMessage(this.#engine, this.#sender, payload, AAD);
        this.#sender = group;
        ciphertexts.push(ciphertext);
      }
    });
    const decrypt = await cpuMicros(this.#count, async () => {
      for (const ciphertext of ciphertexts) {
        this.#receiver = (await receiveMessage(this.#engine, this.#receiver, ciphertext)).group;
      }
    });
    return { encrypt, decrypt };
  }
}

let conversations: { readonly node: Conversation; readonly web: Conversation; readonly floor: Floor } | undefined;

const calls = {
  /** One round; the first calls are for warming up. */
  async messages(): Promise<MessageRound> {
    conversations ??= {
      node: await Conversation.on('node'),
      web: await Conversation.on('web'),
      floor: new Floor(PAYLOAD_BYTES),
    };
    const { floor, node, web } = conversations;
    const floorCost = async (): Promise<MessageCost> => ({
      encrypt: await cpuMicros(MESSAGES.node, () => {
        for (let index = 0; index < MESSAGES.node; index += 1) floor.encrypt();
      }),
      decrypt: await cpuMicros(MESSAGES.node, () => {
        for (let index = 0; index < MESSAGES.node; index += 1) floor.decrypt();
      }),
    });
    // The floor before and after what is compared with it: other programs on the machine change its length.
    const before = await floorCost();
    const nodeCost = await node.measure();
    const after = await floorCost();
    return {
      floor: { encrypt: (before.encrypt + after.encrypt) / 2, decrypt: (before.decrypt + after.decrypt) / 2 },
      node: nodeCost,
      web: await web.measure(),
    };
  },

  /** A commit that adds 100 members to a group of one, by both providers. */
  async commit(): Promise<CommitRound> {
    const measure = async (cryptoProvider: CryptoProviderName): Promise<number> => {
      const engine = await createMlsEngine({ cryptoProvider });
      const group = await groupOfOne(engine);
      const add = await keyPackages(engine, ADDED, 1);
      return cpuMicros(1, async () => {
        await commitChange(engine, group, { add }, 'private', NOW_MS);
      });
    };
    return { node: await measure('node'), web: await measure('web') };
  },

  /** ms to restore a channel of so many members from a store, each number of a store opened anew. */
  restore(request: RestoreRequest): Promise<readonly number[]> {
    return measureRestore(request);
  },

  /** What a store takes for each message, in groups of these sizes. */
  store(sizes: readonly number[]): Promise<readonly StoreCost[]> {
    return measureStore(sizes);
  },
};

/** What the process that measures steps can be asked for. */
export type StepCalls = typeof calls;

serve(calls, () => Promise.resolve());
