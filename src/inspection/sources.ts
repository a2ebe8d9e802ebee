import type { ActorSystem } from '../actors/index.ts';
import type { Channel } from '../actors/channel/index.ts';
import type { StateObservable } from '../streams/index.ts';
import type { TransportStatus } from '../transport/index.ts';

/** An agent that is watched. */
export interface InspectedAgent {
  readonly identity: Uint8Array;
  readonly transport$: StateObservable<TransportStatus>;
  /** The channels that are open. */
  readonly channels$: StateObservable<readonly Channel[]>;
}

/** What is watched of a process. */
export interface InspectionSources {
  readonly systems?: readonly ActorSystem[];
  readonly agent?: InspectedAgent;
}
