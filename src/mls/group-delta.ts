import type { ClientState } from 'ts-mls/clientState.js';
import {
  decodeUint32,
  decodeUint64,
  decodeUint8,
  uint32Encoder,
  uint64Encoder,
  uint8Encoder,
} from 'ts-mls/codec/number.js';
import { mapDecoders } from 'ts-mls/codec/tlsDecoder.js';
import { composeBufferEncoders, encode } from 'ts-mls/codec/tlsEncoder.js';
import { decodeVarLenType, varLenTypeEncoder } from 'ts-mls/codec/variableLength.js';
import type { EpochReceiverData } from 'ts-mls/epochReceiverData.js';
import { decodeSecretTreeNode, secretTreeNodeEncoder } from 'ts-mls/secretTree.js';
import type { SecretTree, SecretTreeNode } from 'ts-mls/secretTree.js';
import { checkBytes } from '../base/check.ts';
import { RuntimeError } from '../base/errors.ts';
import { decodeWhole } from './decode.ts';
import { engineParts } from './engine.ts';
import type { MlsEngine } from './engine.ts';
import type { Group } from './group.ts';
import { stateOf, wrapState } from './group-state.ts';

/** The ratchets of one leaf after messages in one epoch have moved them. */
type RatchetChange = readonly [epoch: bigint, node: number, ratchets: SecretTreeNode];

const FORMAT = 1;

const changeEncoder = composeBufferEncoders<[bigint, number, SecretTreeNode]>([
  uint64Encoder,
  uint32Encoder,
  secretTreeNodeEncoder,
]);
const encodeDelta = encode(composeBufferEncoders([uint8Encoder, varLenTypeEncoder(changeEncoder)]));

const decodeChange = mapDecoders(
  [decodeUint64, decodeUint32, decodeSecretTreeNode],
  (epoch, node, ratchets): RatchetChange => [epoch, node, ratchets],
);
const decodeDelta = mapDecoders([decodeUint8, decodeVarLenType(decodeChange)], (format, changes) => ({
  format,
  changes,
}));

/**
 * What application messages have changed between two states of one epoch, as a record for {@link applyGroupDelta}: the
 * moved ratchets, 88 bytes for each member that has sent, a little more while messages of it are missing, whatever the
 * size of the group. Holds secrets.
 *
 * `undefined` where more has changed than that (a commit), or where `after` does not descend from `before` by steps:
 * then only {@link encodeGroup} tells it all.
 */
export function groupDelta(before: Group, after: Group): Uint8Array | undefined {
  const old = stateOf(before);
  const now = stateOf(after);
  if (!differsInRatchetsOnly(old, now)) return undefined;
  const changes: RatchetChange[] = [];
  collectChanges(changes, now.groupContext.epoch, old.secretTree, now.secretTree);
  for (const [epoch, { secretTree }] of now.historicalReceiverData) {
    const previous = old.historicalReceiverData.get(epoch);
    if (previous !== undefined) collectChanges(changes, epoch, previous.secretTree, secretTree);
  }
  return encodeDelta([FORMAT, changes.map((change): [bigint, number, SecretTreeNode] => [...change])]);
}

/**
 * The group that `after` was when {@link groupDelta} compared it with `group`: encoding it gives the same bytes.
 *
 * @throws {@link RuntimeError} `store_damaged` for bytes that are no delta, or one that does not fit this group: it names
 * ratchets that the group does not have, or would turn one back. `data_dir_version` for a newer version's delta.
 */
export function applyGroupDelta(engine: MlsEngine, group: Group, delta: Uint8Array): Group {
  const { config } = engineParts(engine);
  const state = stateOf(group);
  checkBytes('delta', delta);
  if (delta[0] !== undefined && delta[0] > FORMAT) {
    throw new RuntimeError('data_dir_version', `A change of a group was stored by a newer version (${delta[0]}).`);
  }
  // A copy: the new state's secrets will be views of it.
  const { format, changes } = decodeWhole(decodeDelta, new Uint8Array(delta), damaged);
  if (format !== FORMAT) throw damaged(new Error(`The format is ${format}.`));

  let { secretTree } = state;
  const historicalReceiverData = new Map(state.historicalReceiverData);
  for (const [epoch, node, ratchets] of changes) {
    if (epoch === state.groupContext.epoch) {
      secretTree = withRatchets(secretTree, node, ratchets);
      continue;
    }
    const data = historicalReceiverData.get(epoch);
    if (data === undefined) throw damaged(new Error(`It is about epoch ${epoch}, whose keys are not there.`));
    historicalReceiverData.set(epoch, { ...data, secretTree: withRatchets(data.secretTree, node, ratchets) });
  }
  return wrapState({ ...state, secretTree, historicalReceiverData, clientConfig: config });
}

/** Steps share what they do not change, so what is the same object has not changed, and nothing is compared by value. */
function differsInRatchetsOnly(old: ClientState, now: ClientState): boolean {
  return (
    old.groupContext === now.groupContext &&
    old.keySchedule === now.keySchedule &&
    old.ratchetTree === now.ratchetTree &&
    old.privatePath === now.privatePath &&
    old.signaturePrivateKey === now.signaturePrivateKey &&
    old.unappliedProposals === now.unappliedProposals &&
    old.confirmationTag === now.confirmationTag &&
    old.groupActiveState === now.groupActiveState &&
    old.secretTree.length === now.secretTree.length &&
    isSameHistory([...old.historicalReceiverData], [...now.historicalReceiverData])
  );
}

type History = readonly (readonly [epoch: bigint, data: EpochReceiverData])[];

function isSameHistory(old: History, now: History): boolean {
  return (
    old.length === now.length &&
    old.every(([epoch, data], index) => {
      const [nowEpoch, nowData] = now[index] ?? [];
      return (
        epoch === nowEpoch &&
        data.groupContext === nowData?.groupContext &&
        data.ratchetTree === nowData.ratchetTree &&
        data.senderDataSecret === nowData.senderDataSecret &&
        data.resumptionPsk === nowData.resumptionPsk
      );
    })
  );
}

function collectChanges(changes: RatchetChange[], epoch: bigint, old: SecretTree, now: SecretTree): void {
  if (old === now) return;
  // An index, not an iterator: a large group has thousands of nodes, and this runs for every batch of messages.
  for (let index = 0; index < now.length; index++) {
    const ratchets = now[index];
    if (ratchets !== undefined && ratchets !== old[index]) changes.push([epoch, index, ratchets]);
  }
}

function withRatchets(tree: SecretTree, index: number, ratchets: SecretTreeNode): SecretTree {
  const current = tree[index];
  if (current === undefined) throw damaged(new Error(`The group has no ratchets at node ${index}.`));
  // Going back means using keys again. A delta in the wrong place must not do that.
  if (
    ratchets.application.generation < current.application.generation ||
    ratchets.handshake.generation < current.handshake.generation
  ) {
    throw damaged(new Error(`It is older than the group that it is applied to, at node ${index}.`));
  }
  const copy = tree.slice();
  copy[index] = ratchets;
  return copy;
}

function damaged(cause: unknown): RuntimeError {
  return new RuntimeError('store_damaged', 'A stored change of a group is damaged or out of place.', { cause });
}
