import { type ChannelName, parseChannelName } from '../../../src/base/channel-name.ts';
import {
  commitChange,
  createAgentKeys,
  createGroup,
  createKeyPackage,
  createMlsEngine,
  joinGroup,
  newGroupId,
  type CryptoProviderName,
  type Group,
  type MlsEngine,
} from '../../../src/mls/index.ts';

/** The channel of all groups that are measured. */
export const CHANNEL: ChannelName = parseChannelName('bench/mls/group');
/** When all of it takes place, in Unix milliseconds. */
export const NOW_MS: number = Date.UTC(2030, 0, 1);
/** Members that join by one commit. More would have to be held in memory with all that they bring. */
const ADDED_AT_ONCE = 250;

/** Two members of a group that has so many. */
export interface Pair {
  readonly engine: MlsEngine;
  readonly sender: Group;
  readonly receiver: Group;
}

/** A group alone, and who made it. */
export async function groupOfOne(engine: MlsEngine): Promise<Group> {
  const keys = await createAgentKeys(engine, new TextEncoder().encode('creator'));
  return createGroup(engine, { groupId: newGroupId(CHANNEL, new Uint8Array(16)), keys, nowMs: NOW_MS });
}

/** Key packages of so many newcomers. */
export async function keyPackages(engine: MlsEngine, count: number, from: number): Promise<readonly Uint8Array[]> {
  const packages: Uint8Array[] = [];
  for (let index = 0; index < count; index += 1) {
    const keys = await createAgentKeys(engine, new TextEncoder().encode(`member ${from + index}`));
    packages.push((await createKeyPackage(engine, keys, NOW_MS)).keyPackage);
  }
  return packages;
}

/** `group` with as many members as asked for. */
export async function growTo(engine: MlsEngine, group: Group, from: number, members: number): Promise<Group> {
  let grown = group;
  for (let size = from; size < members; ) {
    const add = await keyPackages(engine, Math.min(ADDED_AT_ONCE, members - size), size);
    grown = (await commitChange(engine, grown, { add }, 'private', NOW_MS)).next;
    size += add.length;
  }
  return grown;
}

/** The creator and the last newcomer of a group of so many. */
export async function pairIn(members: number, cryptoProvider: CryptoProviderName): Promise<Pair> {
  const engine = await createMlsEngine({ cryptoProvider });
  const grown = await growTo(engine, await groupOfOne(engine), 1, members - 1);
  const keys = await createAgentKeys(engine, new TextEncoder().encode('receiver'));
  const bundle = await createKeyPackage(engine, keys, NOW_MS);
  const { next, welcome } = await commitChange(engine, grown, { add: [bundle.keyPackage] }, 'private', NOW_MS);
  if (welcome === undefined) throw new Error('nobody was welcomed');
  return { engine, sender: next, receiver: await joinGroup(engine, { welcome, bundle, keys, nowMs: NOW_MS }) };
}
