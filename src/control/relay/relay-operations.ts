/** What a notice to the members of a channel is about. */
export type NoticeTopic = 'join-requests' | 'removals';

/** A key whose tokens count no more. */
export interface WithdrawnKey {
  /** The claim `key_id` of its tokens. */
  readonly keyId: string;
  /** When the last of its tokens has expired. Unix milliseconds. */
  readonly untilMs: number;
}

/** What the control plane asks of relays, as a port. Each rejects if no relay has taken it. */
export interface RelayOperations {
  /** Tells the members of a channel that are online that there is something to ask this server for. */
  announce(channel: string, topic: NoticeTopic): Promise<void>;
  /** What an account has published in this calendar month, UTC. */
  usage(account: string): Promise<{ readonly messages: number }>;
  /** Takes the right to a channel from an account; whether it had it. */
  expel(channel: string, account: string): Promise<boolean>;
  /** All keys whose tokens are not to be accepted. What was told before holds until its time is over. */
  withdrawKeys(keys: readonly WithdrawnKey[]): Promise<void>;
}
