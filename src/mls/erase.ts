import type { ClientState } from 'ts-mls/clientState.js';
import type { SecretTree } from 'ts-mls/secretTree.js';
import { RuntimeError } from '../base/errors.ts';
import type { Group } from './group.ts';
import { stateOf, takeState } from './group-state.ts';

/**
 * Overwrites the secrets of a group value that nobody needs any more, those that no value in `kept` holds as well. The
 * value cannot be used afterwards.
 *
 * Steps share memory: a state, its successor and the `next` of a staged commit hold the same arrays for all that did
 * not change between them. So **`kept` must name every group value that is still in use** and has the dropped one
 * among its ancestors; the current state and that of a pending commit, as a rule. Call it when the successor is durable,
 * and while no step is running on the dropped value. The library's habit of zeroing what a step has consumed at once
 * would, after a lost commit race, leave a member with keys that everybody knows; {@link checkNotErased} is a second
 * line against that.
 *
 * What has been left behind in memory before (copies inside of OpenSSL or of the garbage collector), nothing reaches.
 */
export function eraseSpent(dropped: Group, kept: readonly Group[]): void {
  const used = new Set<Uint8Array>();
  for (const group of kept) {
    if (group === dropped) throw new RuntimeError('invalid_argument', 'Expected `kept` not to name the dropped group.');
    for (const secret of secretsOf(stateOf(group))) used.add(secret);
  }
  for (const secret of secretsOf(takeState(dropped))) if (!used.has(secret)) secret.fill(0);
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

/** All that is secret in a state, but for the signature key, which is the agent's and not the group's. */
function* secretsOf(state: ClientState): Generator<Uint8Array, void, undefined> {
  const { initSecret, senderDataSecret, exporterSecret, externalSecret } = state.keySchedule;
  const { confirmationKey, membershipKey, resumptionPsk } = state.keySchedule;
  yield* [initSecret, senderDataSecret, exporterSecret, externalSecret];
  yield* [confirmationKey, membershipKey, resumptionPsk];
  yield* Object.values(state.privatePath.privateKeys);
  yield* ratchetSecretsOf(state.secretTree);
  for (const past of state.historicalReceiverData.values()) {
    yield* [past.senderDataSecret, past.resumptionPsk];
    yield* ratchetSecretsOf(past.secretTree);
  }
}

function* ratchetSecretsOf(tree: SecretTree): Generator<Uint8Array, void, undefined> {
  for (const { application, handshake } of tree) {
    for (const ratchet of [application, handshake]) {
      yield ratchet.secret;
      yield* Object.values(ratchet.unusedGenerations);
    }
  }
}
