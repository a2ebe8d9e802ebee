import type {
  ActorMailbox,
  ChannelControl,
  ChannelInput,
  ChannelTurn,
  OutgoingPayload,
} from '../../actors/channel/index.ts';

type Batch = Awaited<ReturnType<ActorMailbox['take']>>;

/** A mailbox that holds what stands on a tape. What the actor tells itself stands there, too. */
export class PlayedMailbox implements ActorMailbox {
  readonly capacity = 1;
  readonly oldest: OutgoingPayload | undefined = undefined;
  /** Whether there are more turns, for an actor that wants to stop. */
  readonly #hasMore: () => boolean;
  #taker: ((batch: Batch) => void) | undefined;
  #captured: ChannelInput[] | undefined;
  /** Number of the link that was opened last. */
  link = 0;

  constructor(hasMore: () => boolean) {
    this.#hasMore = hasMore;
  }

  get depth(): number {
    return this.#hasMore() ? 1 : 0;
  }

  /** Whether the actor waits for its next turn. */
  get isAwaited(): boolean {
    return this.#taker !== undefined;
  }

  take(): Promise<Batch> {
    return new Promise((resolve) => (this.#taker = resolve));
  }

  /** Gives the actor its next turn. Only while {@link PlayedMailbox.isAwaited}. */
  deliver({ control, user }: ChannelTurn): void {
    const taker = this.#taker;
    this.#taker = undefined;
    taker?.({ control: [...control], user: [...user] });
  }

  /** What the actor is told while `feed` runs. */
  capture(feed: () => void): readonly ChannelInput[] {
    const captured: ChannelInput[] = [];
    this.#captured = captured;
    feed();
    this.#captured = undefined;
    return captured;
  }

  tell(message: ChannelControl): boolean {
    if (message.kind !== 'tap' && message.kind !== 'untap') this.#captured?.push(message);
    if (message.kind === 'transport') this.link = message.link;
    return true;
  }

  /** Ends the wait of an actor that is to stop. */
  release(): void {
    this.deliver({ control: [], user: [] });
  }

  pauseUser(): void {
    // Whoever was paused is not on the tape.
  }

  resumeUser(): void {
    // Whoever was paused is not on the tape.
  }

  close(): Batch {
    return { control: [], user: [] };
  }
}
