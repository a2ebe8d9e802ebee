import type { ClientState } from 'ts-mls/clientState.js';
import type { SecretTree } from 'ts-mls/secretTree.js';
import { RuntimeError } from '../base/errors.ts';
import type { Group } from './group.ts';
import { stateOf, takeState } from './group-state.ts';

/**
 * Overwrites the secrets of group values that nobody needs any more, those that no value in `kept` holds as well. The
 * dropped values cannot be used afterwards.
 *
 * Steps share memory: a state, its successor and the `next` of a staged commit hold the same arrays for all that did
 * not change between them. So **`kept` must name every group value that is still in use** and has a dropped one
 * among its ancestors; the current state and that of a pending commit, as a rule. Call it when the successor is durable,
 * and while no step is running on a dropped value. The library's habit of zeroing what a step has consumed at once
 * would, after a lost commit race, leave a member with keys that everybody knows; {@link checkNotErased} is a second
 * line against that.
 *
 * A batch of messages leaves a value behind for each: hand them in together. What they share is visited once, so many
 * cost little more than one.
 *
 * What has been left behind in memory before (copies inside of OpenSSL or of the garbage collector), nothing reaches.
 */
export function eraseSpent(dropped: Group | readonly Group[], kept: readonly Group[]): void {
  const values = new Set(isList(dropped) ? dropped : [dropped]);
  if (kept.some((group) => values.has(group))) {
    throw new RuntimeError('invalid_argument', 'Expected `kept` not to name a dropped group.');
  }
  const used = new Set<Uint8Array>();
  const seen = new Set<object>();
  for (const group of kept) for (const secret of secretsOf(stateOf(group), seen)) used.add(secret);
  // All are checked before the first is taken: a mistake leaves everything as it was.
  for (const group of values) stateOf(group);
  for (const group of values) {
    for (const secret of secretsOf(takeState(group), seen)) if (!used.has(secret)) secret.fill(0);
  }
}

function isList(groups: Group | readonly Group[]): groups is readonly Group[] {
  return Array.isArray(groups);
}

/**
 * Refuses a secret of zeros, which is what an erased one looks like. Whoever encrypted with it would encrypt under a
 * key that everybody can compute.
 *
 * @throws {@link RuntimeError} `runtime_error`
 */
export function checkNotErased(secret: Uint8Array): void {
  if (secret.some((byte) => byte !== 0)) return;
  throw new RuntimeError('runtime_error', 'The secrets of this group value were erased while it was still in use.');
}

/**
 * All that is secret in a state, but for the signature key, which is the agent's and not the group's. What is in `seen` has
 * been visited as a part of another state and is left out.
 */
function* secretsOf(state: ClientState, seen: Set<object>): Generator<Uint8Array, void, undefined> {
  const { keySchedule, privatePath, secretTree, historicalReceiverData } = state;
  if (isNew(keySchedule, seen)) {
    const { initSecret, senderDataSecret, exporterSecret, externalSecret } = keySchedule;
    const { confirmationKey, membershipKey, resumptionPsk } = keySchedule;
    yield* [initSecret, senderDataSecret, exporterSecret, externalSecret];
    yield* [confirmationKey, membershipKey, resumptionPsk];
  }
  if (isNew(privatePath, seen)) yield* Object.values(privatePath.privateKeys);
  yield* ratchetSecretsOf(secretTree, seen);
  for (const past of historicalReceiverData.values()) {
    yield* [past.senderDataSecret, past.resumptionPsk];
    yield* ratchetSecretsOf(past.secretTree, seen);
  }
}

function* ratchetSecretsOf(tree: SecretTree, seen: Set<object>): Generator<Uint8Array, void, undefined> {
  if (!isNew(tree, seen)) return;
  for (const node of tree) {
    if (!isNew(node, seen)) continue;
    for (const ratchet of [node.application, node.handshake]) {
      yield ratchet.secret;
      yield* Object.values(ratchet.unusedGenerations);
    }
  }
}

function isNew(part: object, seen: Set<object>): boolean {
  if (seen.has(part)) return false;
  seen.add(part);
  return true;
}
