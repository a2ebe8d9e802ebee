import type { ClientState } from 'ts-mls/clientState.js';
import { MlsError, RuntimeError } from '../base/errors.ts';
import type { Group } from './group.ts';

/** Reads the state out of a {@link Group}. Assigned inside the class, the only place that can see it. */
let read: (group: Group) => ClientState | undefined;
/** Takes the state out of a {@link Group}. */
let take: (group: Group) => void;

/** A {@link Group} around the library's state, which nothing outside of this folder can reach. */
class MlsGroup implements Group {
  readonly groupId: Uint8Array;
  readonly epoch: bigint;
  readonly ownLeaf: number;
  readonly isActive: boolean;
  #state: ClientState | undefined;

  constructor(state: ClientState) {
    this.groupId = state.groupContext.groupId;
    this.epoch = state.groupContext.epoch;
    this.ownLeaf = state.privatePath.leafIndex;
    this.isActive = state.groupActiveState.kind === 'active';
    this.#state = state;
  }

  static {
    read = (group) => {
      if (!(#state in group))
        throw new RuntimeError('invalid_argument', 'Expected `group` to be made by this package.');
      return group.#state;
    };
    take = (group) => {
      if (#state in group) group.#state = undefined;
    };
  }
}

/** The library's state as a value that can be handed out. */
export function wrapState(state: ClientState): Group {
  return new MlsGroup(state);
}

/**
 * The library's state of a group.
 *
 * @throws {@link RuntimeError} `invalid_argument` for an object that is no group of ours, or whose secrets were erased.
 */
export function stateOf(group: Group): ClientState {
  const state = read(group);
  if (state === undefined) throw new RuntimeError('invalid_argument', 'The secrets of this `group` value were erased.');
  return state;
}

/**
 * {@link stateOf} a group that we are still a member of.
 *
 * @throws {@link MlsError} `removed_from_group`
 */
export function activeStateOf(group: Group): ClientState {
  const state = stateOf(group);
  if (state.groupActiveState.kind === 'active') return state;
  throw new MlsError('removed_from_group', 'This agent is no longer a member of the group.');
}

/** Makes a group value unusable for good and answers with what it held. */
export function takeState(group: Group): ClientState {
  const state = stateOf(group);
  take(group);
  return state;
}
