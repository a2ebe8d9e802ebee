import { Observable, Subject } from 'rxjs';
import { toHex } from '../../base/bytes.ts';
import { type StateObservable, StateSubject } from '../../streams/index.ts';
import type {
  ChannelLink,
  LinkEvent,
  Quota,
  RelayTransport,
  Submission,
  TransportStatus,
} from '../../transport/index.ts';

/** A transport that says what stands on a tape, and hears what is said to it. */
export class PlayedTransport implements RelayTransport {
  readonly isAuthenticated = false;
  readonly #status = new StateSubject<TransportStatus>({ kind: 'idle' });
  readonly status$: StateObservable<TransportStatus> = this.#status.asObservable();
  readonly quota$: StateObservable<Quota | undefined> = new StateSubject<Quota | undefined>(undefined).asObservable();
  #events: Subject<LinkEvent> | undefined;
  /** What was submitted and has not been answered. */
  readonly #submitted = new Map<string, Submission>();

  open(): ChannelLink {
    const events = new Subject<LinkEvent>();
    this.#events = events;
    return {
      events$: new Observable((subscriber) => events.subscribe(subscriber)),
      grant: () => undefined,
      publish: (submissions) => {
        for (const submission of submissions) this.#submitted.set(toHex(submission.messageId), submission);
        // What became of them comes as an input.
        return new Promise(() => undefined);
      },
    };
  }

  /** Says this on the link that was opened last. */
  say(event: LinkEvent): void {
    this.#events?.next(event);
  }

  /** What was submitted, and is spoken of by its id. */
  submissionsOf(notes: readonly Submission[]): readonly Submission[] {
    return notes.map((note) => this.#submitted.get(toHex(note.messageId)) ?? { ...note, payload: new Uint8Array() });
  }

  /** These will not be spoken of again. */
  forget(submissions: readonly Submission[]): void {
    for (const { messageId } of submissions) this.#submitted.delete(toHex(messageId));
  }

  awaitWelcome(): Promise<never> {
    return new Promise(() => undefined);
  }

  close(): Promise<void> {
    this.#status.complete();
    return Promise.resolve();
  }
}
