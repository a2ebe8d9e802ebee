import { checkInteger } from '../base/check.ts';
import { ChannelError, RuntimeError } from '../base/errors.ts';
import { Fifo } from '../streams/index.ts';
import { type Guest, WaitingRoom } from './waiting-room.ts';

/** Options of a {@link Mailbox}. */
export interface MailboxOptions<User> {
  /** Bytes that a user message counts for: a whole number of at least 0. */
  readonly sizeOf: (message: User) => number;
  /** User messages that may be in the lane, at least 1. Default 1024. */
  readonly maxMessages?: number;
  /** Bytes of user messages that may be in the lane, at least 1. Default 8 MiB. */
  readonly maxBytes?: number;
  /** Calls of {@link Mailbox.put} that may wait for room, at least 0. Default 65 536. */
  readonly maxWaiting?: number;
}

/** What {@link Mailbox.take} hands out. Control messages are to be handled first. */
export interface MailboxBatch<Control, User> {
  readonly control: Control[];
  readonly user: User[];
}

/**
 * The two queues in front of an actor, with one consumer.
 *
 * The control lane is served first and never refuses a message while the mailbox is open; its messages are few by
 * contract. The user lane is bounded in messages and in bytes and can be paused. Each lane keeps its order. A user
 * message that is larger than the whole lane is let in when the lane is empty, so that none waits for ever.
 *
 * @throws {@link RuntimeError} `invalid_argument` if an option is out of range.
 *
 * @example
 * const mailbox = new Mailbox<'stop', string>({ sizeOf: (text) => Buffer.byteLength(text) });
 * mailbox.offer('hello');
 * mailbox.tell('stop');
 * assert.deepEqual(await mailbox.take(), { control: ['stop'], user: ['hello'] });
 */
export class Mailbox<Control, User> {
  readonly #sizeOf: (message: User) => number;
  readonly #maxMessages: number;
  readonly #maxBytes: number;
  readonly #maxWaiting: number;
  readonly #control = new Fifo<Control>();
  readonly #user = new Fifo<User>();
  /** Sizes of the messages in the user lane, at the same places. */
  readonly #sizes = new Fifo<number>();
  readonly #waitingRoom = new WaitingRoom<User>();
  #bytes = 0;
  #isUserPaused = false;
  #isClosed = false;
  /** Resumes the consumer, while it waits. */
  #wake: (() => void) | undefined;

  constructor(options: MailboxOptions<User>) {
    this.#sizeOf = options.sizeOf;
    this.#maxMessages = checkInteger('maxMessages', options.maxMessages ?? 1024, 1);
    this.#maxBytes = checkInteger('maxBytes', options.maxBytes ?? 8 * 1024 * 1024, 1);
    this.#maxWaiting = checkInteger('maxWaiting', options.maxWaiting ?? 65_536, 0);
  }

  /** User messages in the lane. */
  get depth(): number {
    return this.#user.length;
  }

  /** The user message that is next; it stays. */
  get oldest(): User | undefined {
    return this.#user.peek();
  }

  /** User messages that may be in the lane. */
  get capacity(): number {
    return this.#maxMessages;
  }

  /** Bytes of the user messages in the lane. */
  get depthBytes(): number {
    return this.#bytes;
  }

  /** Control messages in the lane. */
  get controlDepth(): number {
    return this.#control.length;
  }

  /** Calls of {@link Mailbox.put} that wait for room. */
  get waiting(): number {
    return this.#waitingRoom.size;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  get isUserPaused(): boolean {
    return this.#isUserPaused;
  }

  /** Puts a message into the control lane. False, and not kept, if the mailbox is closed. */
  tell(message: Control): boolean {
    if (this.#isClosed) return false;
    this.#control.push(message);
    this.#wakeConsumer();
    return true;
  }

  /**
   * Puts a message into the user lane if there is room. False, and not kept, if there is none, if others wait for room
   * already, or if the mailbox is closed.
   */
  offer(message: User): boolean {
    if (this.#isClosed || this.#waitingRoom.size > 0) return false;
    return this.#admit({ message, bytes: this.#measure(message) });
  }

  /**
   * Puts a message into the user lane, waiting for room behind those who wait already. Resolves when it is in the lane.
   *
   * @throws {@link ChannelError} `channel_closed` if the mailbox is closed, or is before there was room.
   * @throws {@link RuntimeError} `mailbox_full` if `maxWaiting` calls wait already.
   * @throws the signal's reason if it is aborted before there was room. The message is not kept then.
   */
  async put(message: User, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (this.#isClosed) throw closedError();
    const guest = { message, bytes: this.#measure(message) };
    if (this.#waitingRoom.size === 0 && this.#admit(guest)) return;
    if (this.#waitingRoom.size >= this.#maxWaiting) {
      throw new RuntimeError(
        'mailbox_full',
        `${this.#maxWaiting} sends wait for room in the mailbox already. Wait for some of them before sending more.`,
      );
    }
    await this.#waitingRoom.wait(guest, signal, () => this.#admitWaiting());
  }

  /**
   * Waits until there is something to do and takes it out: all control messages, and at most `maxUser` user messages
   * unless the user lane is paused. For one consumer, which lets others have a turn between batches (`yieldTurn`).
   *
   * @throws {@link ChannelError} `channel_closed` once the mailbox is closed.
   * @throws {@link RuntimeError} `runtime_error` if another call waits already.
   */
  async take(maxUser = 32): Promise<MailboxBatch<Control, User>> {
    checkInteger('maxUser', maxUser, 1);
    if (this.#wake !== undefined)
      throw new RuntimeError('runtime_error', 'a mailbox has one consumer: it waits already');
    // The wait resumes after the synchronous turn that ended it, so what that turn brings comes as one batch.
    while (!this.#isClosed && !this.#isReady()) await this.#nextWake();
    if (this.#isClosed) throw closedError();
    const batch = { control: this.#control.clear(), user: this.#takeUser(maxUser) };
    this.#admitWaiting();
    return batch;
  }

  /** Holds back the user lane from {@link Mailbox.take}. Not counted: one resume ends it. */
  pauseUser(): void {
    this.#isUserPaused = true;
  }

  resumeUser(): void {
    this.#isUserPaused = false;
    this.#wakeConsumer();
  }

  /**
   * Ends the mailbox: refuses new messages, rejects everyone who waits, and returns what was in the lanes. What
   * waited for room is not among it: its senders know by the rejection. Idempotent.
   */
  close(): MailboxBatch<Control, User> {
    this.#isClosed = true;
    const left = { control: this.#control.clear(), user: this.#user.clear() };
    this.#sizes.clear();
    this.#bytes = 0;
    this.#waitingRoom.refuseAll(closedError);
    this.#wakeConsumer();
    return left;
  }

  #isReady(): boolean {
    return this.#control.length > 0 || (this.#user.length > 0 && !this.#isUserPaused);
  }

  #nextWake(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #wakeConsumer(): void {
    if (this.#wake === undefined || !(this.#isClosed || this.#isReady())) return;
    const wake = this.#wake;
    this.#wake = undefined;
    wake();
  }

  #measure(message: User): number {
    return checkInteger('sizeOf(message)', this.#sizeOf(message), 0);
  }

  #admit({ message, bytes }: Guest<User>): boolean {
    const isFull = this.#user.length >= this.#maxMessages || this.#bytes + bytes > this.#maxBytes;
    if (isFull && this.#user.length > 0) return false;
    this.#user.push(message);
    this.#sizes.push(bytes);
    this.#bytes += bytes;
    this.#wakeConsumer();
    return true;
  }

  #admitWaiting(): void {
    this.#waitingRoom.admitWhile((guest) => this.#admit(guest));
  }

  #takeUser(max: number): User[] {
    const taken: User[] = [];
    while (!this.#isUserPaused && taken.length < max && this.#user.length > 0) {
      taken.push(this.#user.shift() as User);
      this.#bytes -= this.#sizes.shift() ?? 0;
    }
    return taken;
  }
}

function closedError(): ChannelError {
  return new ChannelError('channel_closed', 'the channel is closed');
}
