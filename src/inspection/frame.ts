import type { DeadLetterReason, Lifecycle } from '../actors/index.ts';
import type { ChannelStatus } from '../actors/channel/index.ts';
import type { TransportStatus } from '../transport/index.ts';

/** Version of the feed's format: raised when a reader of the old one would misread it. */
export const FEED_VERSION = 1;
/** What the feed calls itself in its first frame. */
export const FEED_FORMAT = 'skytale-inspection';

/** An error or a fault without what it was about. */
export interface InspectedFault {
  /** Kind of a channel's fault, or name of an actor's error. */
  readonly kind: string;
  /** The stable code of one of our errors. */
  readonly code: string | null;
  /** The message, where it cannot hold a payload. */
  readonly text: string | null;
}

/** An actor; see docs/inspection.md for each field of the nodes. */
export interface ActorNode {
  readonly kind: 'actor';
  readonly path: string;
  readonly status: Lifecycle['kind'];
  readonly incarnation: number;
  readonly restartsLeft: number;
  readonly restartsMax: number;
  readonly restartAtMs: number | null;
  readonly depth: number;
  readonly capacity: number;
  readonly oldestMs: number | null;
  readonly stashed: number;
  readonly inFlight: number;
  readonly handled: number;
  readonly ratePerSecond: number;
  readonly lastFault: InspectedFault | null;
}

/** An agent: its identity and its connection to the relay. */
export interface AgentNode {
  readonly kind: 'agent';
  readonly path: string;
  readonly identity: string;
  readonly status: TransportStatus['kind'];
  readonly retryAtMs: number | null;
  readonly channels: number;
  readonly lastFault: InspectedFault | null;
}

/** A channel of an agent. */
export interface ChannelNode {
  readonly kind: 'channel';
  readonly path: string;
  readonly name: string;
  readonly status: ChannelStatus;
  /** Decimal digits. */
  readonly epoch: string;
  readonly members: number;
  readonly present: number | null;
  readonly seq: number;
  readonly unsettled: number;
  readonly unhandled: number;
  readonly depth: number;
  readonly capacity: number;
  readonly oldestMs: number | null;
  readonly isSlow: boolean;
  readonly sent: number;
  readonly received: number;
  readonly sentPerSecond: number;
  readonly receivedPerSecond: number;
  readonly crashes: number;
  readonly faults: number;
  readonly lastFault: (InspectedFault & { readonly atMs: number }) | null;
}

/** Something in the tree that is shown, named by its path. */
export type InspectionNode = ActorNode | AgentNode | ChannelNode;

/** Something that happened at a node. */
export type FeedEvent =
  | { readonly kind: 'spawned' }
  | { readonly kind: 'lifecycle'; readonly lifecycle: Lifecycle['kind']; readonly incarnation: number }
  | {
      readonly kind: 'crashed';
      readonly incarnation: number;
      readonly fault: InspectedFault;
      readonly restartsLeft: number;
    }
  | { readonly kind: 'dead-letter'; readonly reason: DeadLetterReason }
  | { readonly kind: 'status'; readonly status: string; readonly fault: InspectedFault | null }
  | { readonly kind: 'epoch'; readonly epoch: string; readonly added: number; readonly removed: number }
  | { readonly kind: 'fault'; readonly fault: InspectedFault }
  | { readonly kind: 'presence'; readonly present: number };

/** What {@link InspectionFrame}s of kind `changes` are made of. */
export interface ChangesFrame {
  readonly frame: 'changes';
  readonly atMs: number;
  readonly nodes: readonly InspectionNode[];
  readonly gone: readonly string[];
}

/** What {@link InspectionFrame}s of kind `event` are made of. */
export interface EventFrame {
  readonly frame: 'event';
  readonly id: number;
  readonly atMs: number;
  readonly path: string;
  readonly event: FeedEvent;
}

/** What {@link InspectionFrame}s of kind `snapshot` are made of. */
export interface SnapshotFrame {
  readonly frame: 'snapshot';
  readonly atMs: number;
  readonly nodes: readonly InspectionNode[];
}

/** One line of the feed. */
export type InspectionFrame =
  | {
      readonly frame: 'hello';
      readonly format: 'skytale-inspection';
      readonly version: number;
      readonly pid: number;
      readonly startedAtMs: number;
      readonly atMs: number;
      readonly intervalMs: number;
    }
  | SnapshotFrame
  | ChangesFrame
  | EventFrame
  | { readonly frame: 'dropped'; readonly frames: number }
  | { readonly frame: 'refused'; readonly reason: string };
