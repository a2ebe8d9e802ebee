import { parseChannelName } from '../../../src/base/channel-name.ts';
import {
  createAgentKeys,
  createGroup,
  createKeyPackage,
  createMlsEngine,
  commitChange,
  encryptMessage,
  type Group,
  joinGroup,
  type MlsEngine,
  newGroupId,
  receiveMessage,
} from '../../../src/mls/index.ts';
import { serve } from '../../serve.ts';
import { nowMs, stampedPayload } from '../payload.ts';

/** Messages that are decrypted in turn, always again from the state before the first: it stays as it was. */
const CIPHERTEXTS = 2_000;
/** Steps between two looks at the clock. */
const STRIDE = 50;

/** How fast one kind of step went. */
export interface CryptoRate {
  readonly perSecond: number;
  /** CPU time of the process, all threads. */
  readonly cpuMicrosPerMessage: number;
}

interface Pair {
  readonly engine: MlsEngine;
  readonly receiver: Group;
  readonly ciphertexts: readonly Uint8Array[];
  sender: Group;
}

let pair: Pair | undefined;

function prepared(): Pair {
  if (pair === undefined) throw new Error('there is no group yet');
  return pair;
}

const payload = stampedPayload({ index: 0, sentAtMs: 0 });
const messageId = new Uint8Array(16);

/** Runs `step` for `durationMs`, and measures. */
async function measure(durationMs: number, step: (index: number) => Promise<void>): Promise<CryptoRate> {
  const cpu = process.cpuUsage();
  const startedAtMs = nowMs();
  let steps = 0;
  while (nowMs() - startedAtMs < durationMs) {
    for (const end = steps + STRIDE; steps < end; steps += 1) await step(steps);
  }
  const elapsedMs = nowMs() - startedAtMs;
  const { user, system } = process.cpuUsage(cpu);
  return { perSecond: (steps * 1000) / elapsedMs, cpuMicrosPerMessage: (user + system) / steps };
}

const calls = {
  /** Makes a group of so many members, and messages to decrypt. */
  async prepare(members: number): Promise<void> {
    const engine = await createMlsEngine();
    const timeMs = Date.now();
    const groupId = newGroupId(parseChannelName('bench/crypto/alone'), new Uint8Array(16));
    const keys = await createAgentKeys(engine, new TextEncoder().encode('sender'));
    const alone = await createGroup(engine, { groupId, keys, nowMs: timeMs });
    const joiners = await Promise.all(
      Array.from({ length: members - 1 }, async (_, index) => {
        const joinerKeys = await createAgentKeys(engine, new TextEncoder().encode(`member ${index}`));
        return { keys: joinerKeys, bundle: await createKeyPackage(engine, joinerKeys, timeMs) };
      }),
    );
    const add = joiners.map(({ bundle }) => bundle.keyPackage);
    const { next, welcome } = await commitChange(engine, alone, { add }, 'private', timeMs);
    const [joiner] = joiners;
    if (welcome === undefined || joiner === undefined) throw new Error('nobody joined');
    const receiver = await joinGroup(engine, { welcome, ...joiner, nowMs: timeMs });
    let sender = next;
    const ciphertexts: Uint8Array[] = [];
    while (ciphertexts.length < CIPHERTEXTS) {
      const { ciphertext, group } = await encryptMessage(engine, sender, payload, messageId);
      ciphertexts.push(ciphertext);
      sender = group;
    }
    pair = { engine, sender, receiver, ciphertexts };
  },

  /** Encrypts and does nothing else. */
  encrypt(durationMs: number): Promise<CryptoRate> {
    const group = prepared();
    return measure(durationMs, async () => {
      group.sender = (await encryptMessage(group.engine, group.sender, payload, messageId)).group;
    });
  },

  /** Decrypts and does nothing else. */
  decrypt(durationMs: number): Promise<CryptoRate> {
    const { engine, receiver, ciphertexts } = prepared();
    let group = receiver;
    return measure(durationMs, async (index) => {
      const position = index % ciphertexts.length;
      if (position === 0) group = receiver;
      group = (await receiveMessage(engine, group, ciphertexts[position] ?? new Uint8Array())).group;
    });
  },
};

/** What a process that only computes can be asked for. */
export type CryptoCalls = typeof calls;

serve(calls, () => Promise.resolve());
