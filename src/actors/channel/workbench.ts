import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';
import type { Group, MlsEngine, RotationPolicy } from '../../mls/index.ts';
import type { ControlPlane, RelayTransport } from '../../transport/index.ts';
import type { ActorMailbox } from './channel-mailbox.ts';
import type { ChannelOutput } from './channel-output.ts';
import type { GroupSteps } from './group-steps.ts';
import type { LinkDriver } from './link-driver.ts';
import type { MessageIds } from './message-id.ts';
import type { RecordKeeper } from './record-keeper.ts';
import type { RecordStore } from './record-store.ts';
import type { RejoinPort } from './rejoin-port.ts';

/** A member asks the others to remove an agent. */
export interface RemovalContext {
  readonly channel: string;
  /** Who is to be removed. */
  readonly identity: Uint8Array;
  /** The member that asks, and has signed it. */
  readonly requestedBy: Uint8Array;
  /** Its reason, such as `credential_compromise`. */
  readonly reason: string;
}

/** Whether this agent follows a request to remove a member. */
export type AcceptRemoval = (removal: RemovalContext) => boolean;

/** The world around a channel. */
export interface ChannelPorts {
  readonly engine: MlsEngine;
  readonly store: RecordStore;
  readonly transport: RelayTransport;
  readonly clock: Clock;
  /** What inspection is dated by, beside all that the channel does. Default `clock`. */
  readonly inspectionClock?: Pick<Clock, 'now'>;
  readonly random: Random;
  /** How long changes of the membership wait for others to share their commit, in milliseconds. Default 0. */
  readonly commitWindowMs?: number;
  /** When own keys are renewed by themselves. Default after 10,000 own messages in an epoch, or a day. */
  readonly rotation?: RotationPolicy;
  /** Where requests to join come from. Without it there are none. */
  readonly controlPlane?: ControlPlane;
  /** Whether this member follows a request to remove somebody. Default whenever another member has signed it. */
  readonly acceptRemoval?: AcceptRemoval;
  /** Without it, a channel whose data directory is an old copy ends as `rolled-back`. */
  readonly rejoin?: RejoinPort;
  /** A signed statement about the state that the group is in. Without it, this member does not take part in noticing forks. */
  readonly stateEpoch?: (group: Group) => Promise<Uint8Array>;
  /** Default: the steps of `mls`. */
  readonly steps?: GroupSteps;
}

/** The world as the actor sees it. */
export type ActorPorts = ChannelPorts & { readonly steps: GroupSteps };

/**
 * What the parts of a channel's actor work on together. Nobody else has it, and they touch it only within a turn of the
 * actor: that is what makes the channel's state have one writer.
 */
export interface Workbench {
  readonly ports: ActorPorts;
  readonly mailbox: ActorMailbox;
  readonly keeper: RecordKeeper;
  readonly output: ChannelOutput;
  readonly link: LinkDriver;
  readonly ids: MessageIds;
}
