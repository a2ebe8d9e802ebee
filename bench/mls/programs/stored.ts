import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Keyv } from 'keyv';
import {
  commitChange,
  createMlsEngine,
  encryptMessage,
  mlsGroupCodec,
  openDataDirectory,
  type AgentStore,
  type ChannelRecord,
  type Group,
  type MlsEngine,
  NO_ADMISSIONS,
  NO_PINS,
} from '../../../src/mls/index.ts';
import { openAgentStore } from '../../../src/mls/store/index.ts';
import { cpuMicros } from './cpu.ts';
import { CHANNEL, groupOfOne, growTo, NOW_MS } from './groups.ts';

const PAYLOAD = new Uint8Array(1024).fill(7);
const AAD = new Uint8Array(16);
/** Past epochs of which a group keeps keys. */
const PAST_EPOCHS = 4;
/** Messages since the last whole write when a channel is restored: half of what there can be. */
const DELTAS_TO_RESTORE = 50;
/** Messages of one sample, and samples; fewer than what makes the store write the channel anew as a whole. */
const SAVES = 30;
const SAMPLES = 3;
/** What happens in the background waits longer than anything here takes. */
const UNHURRIED = { foldAfterMs: 3_600_000 };

/** What a store takes for one message in a group of so many. */
export interface StoreCost {
  readonly members: number;
  /** Bytes of the record that is written. */
  readonly bytes: number;
  /** CPU time of the write into SQLite, without the encryption. */
  readonly micros: number;
}

/** How large a channel is restored how often. */
export interface RestoreRequest {
  readonly members: number;
  readonly rounds: number;
}

function recordOf(group: Group): ChannelRecord {
  return {
    name: CHANNEL,
    group,
    idKey: new Uint8Array(32),
    cursor: { afterSeq: 0 },
    outbox: [],
    journal: [],
    pendingCommit: undefined,
    commitSpentInEpoch: undefined,
    admissions: NO_ADMISSIONS,
    pins: NO_PINS,
  };
}

/** A group of so many that has keys of as many past epochs as it ever keeps. */
async function matureGroup(engine: MlsEngine, members: number): Promise<Group> {
  let group = await growTo(engine, await groupOfOne(engine), 1, members);
  for (let epoch = 0; epoch < PAST_EPOCHS; epoch += 1) {
    group = (await commitChange(engine, group, { rotate: true }, 'private', NOW_MS)).next;
  }
  return group;
}

/** ms of CPU to restore a channel of so many members, each from a store that was opened anew. */
export async function measureRestore({ members, rounds }: RestoreRequest): Promise<readonly number[]> {
  const engine = await createMlsEngine();
  const codec = mlsGroupCodec(engine);
  return inDirectory(async (directory) => {
    const { store } = await openDataDirectory(directory, { codec, ...UNHURRIED });
    let group = await matureGroup(engine, members);
    await store.saveChannel(recordOf(group));
    for (let saved = 0; saved < DELTAS_TO_RESTORE; saved += 1) {
      group = await sendAndSave(engine, store, group);
    }
    await store.close();
    const times: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const { store: reopened } = await openDataDirectory(directory, { codec, ...UNHURRIED });
      times.push(
        (await cpuMicros(1, async () => {
          if ((await reopened.loadChannel(CHANNEL)) === undefined) throw new Error('the channel is gone');
        })) / 1000,
      );
      await reopened.close();
    }
    return times;
  });
}

/** Groups of these sizes, sampled in turn. */
export async function measureStore(sizes: readonly number[]): Promise<readonly StoreCost[]> {
  const engine = await createMlsEngine();
  const costs: StoreCost[] = [];
  for (const members of sizes) {
    const group = await matureGroup(engine, members);
    costs.push({ members, bytes: await bytesOfSave(engine, group), micros: await microsOfSave(engine, group) });
  }
  return costs;
}

async function bytesOfSave(engine: MlsEngine, group: Group): Promise<number> {
  const records = new Map<string, unknown>();
  const codec = mlsGroupCodec(engine);
  const store = await openAgentStore({ keyv: new Keyv({ store: records }), codec, ...UNHURRIED });
  await store.saveChannel(recordOf(group));
  const before = sizeOf(records);
  let current = group;
  for (let saved = 0; saved < SAVES; saved += 1) current = await sendAndSave(engine, store, current);
  const bytes = (sizeOf(records) - before) / SAVES;
  await store.close();
  return bytes;
}

async function microsOfSave(engine: MlsEngine, group: Group): Promise<number> {
  return inDirectory(async (path) => {
    const { store } = await openDataDirectory(path, { codec: mlsGroupCodec(engine), ...UNHURRIED });
    await store.saveChannel(recordOf(group));
    let current = group;
    const samples: number[] = [];
    // The first sample pays for compiling, and for the whole write that the store was opened with.
    for (let sample = 0; sample < SAMPLES; sample += 1) {
      const records: ChannelRecord[] = [];
      for (let message = 0; message < SAVES; message += 1) {
        current = (await encryptMessage(engine, current, PAYLOAD, AAD)).group;
        records.push(recordOf(current));
      }
      samples.push(
        await cpuMicros(SAVES, async () => {
          for (const record of records) await store.saveChannel(record);
        }),
      );
    }
    await store.close();
    return Math.min(...samples);
  });
}

async function sendAndSave(engine: MlsEngine, store: AgentStore, before: Group): Promise<Group> {
  const { group } = await encryptMessage(engine, before, PAYLOAD, AAD);
  await store.saveChannel(recordOf(group));
  return group;
}

/** Bytes of all values, as the store holds them. */
function sizeOf(records: ReadonlyMap<string, unknown>): number {
  let bytes = 0;
  for (const value of records.values()) bytes += typeof value === 'string' ? value.length : 0;
  return bytes;
}

async function inDirectory<T>(use: (directory: string) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'skytale-bench-'));
  try {
    return await use(directory);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
