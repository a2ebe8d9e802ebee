import { Subject } from 'rxjs';
import type { Observable } from 'rxjs';
import type { Clock } from '../../../base/clock.ts';
import type { Announcement } from '../log-engine.ts';
import { decodeAnnouncements, encodeAnnouncements, keyOf } from './announcement-codec.ts';
import type { NatsLink } from './nats-link.ts';

/** What an {@link Announcer} needs. */
export interface AnnouncerContext {
  readonly link: Pick<NatsLink, 'connection' | 'isUp' | 'onChange'>;
  readonly subject: string;
  readonly clock: Pick<Clock, 'schedule'>;
  /** Names this relay among those over the log. */
  readonly id: string;
  readonly onWarning: (message: string) => void;
}

/** Messages to the other relays come no closer than this, so that they cost next to nothing whatever is announced. */
const INTERVAL_MS = 50;
/** Announcements in one message: some 30 KB. */
const MAX_TOGETHER = 256;
/** Announcements that wait for the other relays. Beyond, the oldest are lost to them, as on a broken connection. */
const MAX_WAITING = 16_384;
/** Between two warnings of one kind. */
const WARNING_INTERVAL_MS = 60_000;

/** Tells the other relays over one log, on a subject of no stream: whoever does not listen just then hears nothing of it. */
export class Announcer {
  readonly announcements$: Observable<Announcement>;
  readonly #announcements = new Subject<Announcement>();
  readonly #context: AnnouncerContext;
  /** By what they are about: what is announced again while it waits is told once. */
  readonly #waiting = new Map<string, Announcement>();
  readonly #quiet = new Set<string>();
  readonly #cancels = new Set<() => void>();
  #isPaced = false;
  #isStopped = false;
  #unlisten: () => void;

  constructor(context: AnnouncerContext) {
    const { link, subject } = context;
    this.#context = context;
    this.announcements$ = this.#announcements.asObservable();
    const subscription = link.connection.subscribe(subject, {
      callback: (error, message) => {
        if (error !== null) this.#warn(`announcements of other relays are not heard: ${error.message}`);
        else this.#hear(message.data);
      },
    });
    const offChange = link.onChange((isUp) => {
      if (isUp) this.#send();
    });
    this.#unlisten = () => {
      offChange();
      subscription.unsubscribe();
    };
  }

  /** Tells this relay now, the others soon. */
  announce(announcement: Announcement): void {
    if (this.#isStopped) return;
    this.#announcements.next(announcement);
    this.#waiting.set(keyOf(announcement), announcement);
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size > MAX_WAITING && oldest !== undefined) {
      this.#waiting.delete(oldest);
      this.#warn('more is announced than other relays can be told: some of it is lost to them');
    }
    this.#send();
  }

  /** Announces and hears nothing any more. What waits is sent if it can be. Idempotent. */
  stop(): void {
    if (this.#isStopped) return;
    while (this.#canSend) this.#sendSome();
    this.#isStopped = true;
    this.#waiting.clear();
    for (const cancel of this.#cancels) cancel();
    if (!this.#context.link.connection.isClosed()) this.#unlisten();
  }

  /** Completes the stream. */
  complete(): void {
    this.#announcements.complete();
  }

  /** Ends the stream with the reason why the engine has failed. */
  fail(error: Error): void {
    this.stop();
    this.#announcements.error(error);
  }

  /** Without a connection the library would keep it in memory, without bound. */
  get #canSend(): boolean {
    const { link } = this.#context;
    return this.#waiting.size > 0 && link.isUp && !link.connection.isClosed();
  }

  #send(): void {
    if (this.#isPaced || this.#isStopped || !this.#canSend) return;
    this.#sendSome();
    this.#isPaced = true;
    this.#after(INTERVAL_MS, () => {
      this.#isPaced = false;
      this.#send();
    });
  }

  #sendSome(): void {
    const { link, subject, id } = this.#context;
    const keys = [...this.#waiting.keys()].slice(0, MAX_TOGETHER);
    const together = keys.map((key) => this.#waiting.get(key)).filter((each) => each !== undefined);
    for (const key of keys) this.#waiting.delete(key);
    link.connection.publish(subject, encodeAnnouncements(id, together));
  }

  #hear(data: Uint8Array): void {
    const heard = decodeAnnouncements(data);
    if (heard === undefined) {
      this.#warn(`what came on ${this.#context.subject} is no announcement of a relay`);
      return;
    }
    if (heard.from === this.#context.id) return;
    for (const announcement of heard.announcements) this.#announcements.next(announcement);
  }

  /** Says it, unless it was said a moment ago: others choose how often this happens. */
  #warn(message: string): void {
    if (this.#quiet.has(message)) return;
    this.#quiet.add(message);
    this.#after(WARNING_INTERVAL_MS, () => this.#quiet.delete(message));
    this.#context.onWarning(message);
  }

  #after(delayMs: number, task: () => void): void {
    const cancel = this.#context.clock.schedule(delayMs, () => {
      this.#cancels.delete(cancel);
      task();
    });
    this.#cancels.add(cancel);
  }
}
