import type { CallIds } from './exchange-ports.ts';
import type { Observable } from 'rxjs';
import type { Clock } from '../../base/clock.ts';
import type { SkytaleError } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import type { ChannelFigures } from './channel-inspection.ts';
import type { ChannelMailbox } from './channel-mailbox.ts';
import type { ChannelOutput } from './channel-output.ts';
import type { JoinRequest } from './join-request.ts';

/** What stands behind a channel and works off its mailbox: the actor, or what plays a recorded one. */
export interface ChannelCore {
  readonly output: ChannelOutput;
  readonly joinRequests$: Observable<JoinRequest>;
  /** Why nothing moves any more, once that is so. */
  readonly ended: SkytaleError | undefined;
  readonly figures: ChannelFigures;
  /** Resolves when it has terminated: with the reason if its record could not be written at the end. */
  readonly done: Promise<SkytaleError | undefined>;
  /** Gives up waiting for the relay while stopping. */
  stopNow(): void;
}

/** The user's end of a channel's mailbox. */
export type ChannelFront = Pick<ChannelMailbox, 'tell' | 'put' | 'offer'>;

/** All that a channel is made of. */
export interface ChannelParts {
  readonly name: string;
  /** Own identity. */
  readonly self: Uint8Array;
  /** 32 secret bytes that own message ids are made with. */
  readonly idKey: Uint8Array;
  readonly mailbox: ChannelFront;
  readonly core: ChannelCore;
  readonly clock: Clock;
  readonly random: Random;
  /** Default: new ones. */
  readonly callIds?: CallIds;
}
