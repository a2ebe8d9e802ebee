/** Where something that a member sent stands, and how it came. */
export interface Arrival {
  /** Position in the channel's one order. */
  readonly seq: number;
  /** Epoch in which the sender encrypted it. Never newer than the channel's state. */
  readonly epoch: bigint;
  /** Identity bytes of the sender, authenticated by the group. */
  readonly sender: Uint8Array;
  /** `replay` for what was in the log before the channel had caught up, or is redelivered; `live` for what came after. */
  readonly phase: 'replay' | 'live';
  /** When this agent received it, in Unix milliseconds. */
  readonly receivedAt: number;
}

/** Names one try of one request. */
export interface CallName {
  /** 32 hexadecimal characters, the same for all tries of a request. */
  readonly id: string;
  /** 1 for the first try. */
  readonly attempt: number;
}

/** A member asks; see {@link Channel.respond}. */
export interface ChannelRequest extends Arrival, CallName {
  readonly kind: 'request';
  readonly payload: Uint8Array;
  /** When nobody waits any more, in Unix milliseconds by the clock of who asks. */
  readonly deadlineMs: number;
  /** Identities of the members that are asked. Empty: all. */
  readonly to: readonly Uint8Array[];
}

/** A member answers a request, of this agent or of another member. */
export interface ReplyEvent extends Arrival, CallName {
  readonly kind: 'reply';
  /** `undefined` where this only says that there is no further reply, or that the work has failed. */
  readonly payload: Uint8Array | undefined;
  /** Whether this member has no further reply. */
  readonly isLast: boolean;
  /** Why the work has failed, in words of the other end. */
  readonly failure: string | undefined;
}

/** Who asked does not wait any more. */
export interface CancelNotice extends Arrival, CallName {
  readonly kind: 'cancel';
}

/** A member confirms messages; their senders know which are theirs. */
export interface Confirmation extends Arrival {
  readonly kind: 'confirmation';
  readonly receipt: 'delivered' | 'handled';
  readonly seqs: readonly number[];
}

/** A member says that it is there, or that it goes; see {@link Channel.announce}. */
export interface PresenceNotice extends Arrival {
  readonly kind: 'presence';
  /** For how long it is to be taken as there, in milliseconds from `storedAt` on. 0: it goes. */
  readonly leaseMs: number;
  /** When the relay stored it, by the relay's clock, in Unix milliseconds. */
  readonly storedAt: number;
}

/** What members exchange beside messages. */
export type ExchangeEvent = ChannelRequest | ReplyEvent | CancelNotice | Confirmation | PresenceNotice;
