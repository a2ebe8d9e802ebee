import type { RelayLogger } from '../../relay/index.ts';
import type { NoticeTopic, RelayOperations } from './relay-operations.ts';

/** Notices that wait for their turn; beyond, they are dropped, which the log tells and members make up for by asking. */
const MAX_WAITING = 4096;
/** Notices under way at once. */
const WIDTH = 8;

interface Notice {
  readonly channel: string;
  readonly topic: NoticeTopic;
}

/** Tells members through relays that there is something for them. Nobody waits for it; notices of one kind become one. */
export class Announcer {
  readonly #relay: RelayOperations;
  readonly #logger: RelayLogger;
  readonly #waiting = new Map<string, Notice>();
  #running = 0;
  #onIdle: (() => void) | undefined;

  constructor(relay: RelayOperations, logger: RelayLogger) {
    this.#relay = relay;
    this.#logger = logger;
  }

  announce(channel: string, topic: NoticeTopic): void {
    const key = `${topic} ${channel}`;
    if (!this.#waiting.has(key) && this.#waiting.size >= MAX_WAITING) {
      this.#logger.warn({ channel, topic }, 'too many notices wait for relays; this one is dropped');
      return;
    }
    this.#waiting.set(key, { channel, topic });
    if (this.#running >= WIDTH) return;
    this.#running += 1;
    void this.#drain();
  }

  /** Resolves when all notices are told, or have failed. */
  async idle(): Promise<void> {
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
  }

  async #drain(): Promise<void> {
    for (let next = this.#take(); next !== undefined; next = this.#take()) {
      const { channel, topic } = next;
      try {
        await this.#relay.announce(channel, topic);
      } catch (error) {
        this.#logger.warn(
          { err: error, channel, topic },
          'no relay has taken a notice; members ask by themselves later',
        );
      }
    }
    this.#running -= 1;
    if (this.#running === 0) this.#onIdle?.();
  }

  #take(): Notice | undefined {
    for (const [key, notice] of this.#waiting) {
      this.#waiting.delete(key);
      return notice;
    }
    return undefined;
  }
}
