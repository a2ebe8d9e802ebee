import { Subscription } from 'rxjs';
import { toSkytaleError } from '../../base/errors.ts';
import { type ChannelRecord, groupTag } from '../../mls/index.ts';
import type {
  ChannelLink,
  LinkEvent,
  PublishAnswer,
  RelayTransport,
  Submission,
  TransportStatus,
} from '../../transport/index.ts';

/** What comes from the network into the channel's mailbox, and over which link it came. */
export type LinkInput = { readonly link: number } & (
  | { readonly kind: 'link'; readonly event: LinkEvent; readonly session: number }
  | { readonly kind: 'transport'; readonly status: TransportStatus }
  | {
      readonly kind: 'answers';
      readonly submissions: readonly Submission[];
      readonly answers: readonly PublishAnswer[];
    }
  | { readonly kind: 'unanswered'; readonly submissions: readonly Submission[] }
);

/** Entries that the relay may send ahead of what has been processed. */
const CREDIT = 256;

/**
 * The channel's side of one link at a time. Links are numbered, so that what an earlier one had posted is told from
 * what the current one has to say; so are the sessions of a link, from one connection to the next.
 */
export class LinkDriver {
  readonly #transport: RelayTransport;
  readonly #post: (input: LinkInput) => void;
  #link: ChannelLink | undefined;
  #subscription = new Subscription();
  #number = 0;
  #session = 0;
  #owedCredit = 0;

  constructor(transport: RelayTransport, post: (input: LinkInput) => void) {
    this.#transport = transport;
    this.#post = post;
  }

  /** The number of the link that is open, or was closed last plus one. */
  get current(): number {
    return this.#number;
  }

  /** Starts to read behind the record's cursor. Closes an earlier link first. */
  open(record: ChannelRecord): void {
    this.close();
    const { name: channel, cursor: start, group } = record;
    const link = this.#number;
    const opened = this.#transport.open({ channel, group: groupTag(group.groupId), start, credit: CREDIT });
    this.#link = opened;
    const report = (error: unknown): void => {
      this.#hear(link, { kind: 'offline', cause: toSkytaleError(error) });
    };
    this.#subscription.add(
      this.#transport.status$.subscribe({
        next: (status) => this.#post({ link, kind: 'transport', status }),
        error: report,
      }),
    );
    this.#subscription.add(opened.events$.subscribe({ next: (event) => this.#hear(link, event), error: report }));
  }

  close(): void {
    this.#subscription.unsubscribe();
    this.#subscription = new Subscription();
    this.#link = undefined;
    this.#number += 1;
    this.#session += 1;
    this.#owedCredit = 0;
  }

  /** Counts entries as processed. They become credit when `isWilling`, together with those that were held back before. */
  processed(entries: number, isWilling: boolean): void {
    this.#owedCredit += entries;
    if (!isWilling || this.#owedCredit === 0) return;
    this.#link?.grant(this.#owedCredit);
    this.#owedCredit = 0;
  }

  /**
   * Publishes without waiting; the outcome is posted. Only within the session in which the caller had caught up, and so
   * is its outcome: what was meant for a connection that is gone must not overtake on the next one what was lost with
   * it. Whoever hears that a session has ended knows that nothing of it will be answered. For `round` see
   * {@link ChannelLink.publish}.
   */
  publish(submissions: readonly Submission[], session: number, round = 0): void {
    const link = this.#number;
    const post = (input: LinkInput): void => {
      if (session === this.#session) this.#post(input);
    };
    if (session !== this.#session) return;
    this.#link?.publish(submissions, round).then(
      (answers) => post({ link, kind: 'answers', submissions, answers }),
      // Why is told on the link: here it only matters that nobody knows what became of them.
      () => post({ link, kind: 'unanswered', submissions }),
    );
  }

  #hear(link: number, event: LinkEvent): void {
    if (event.kind === 'online' || event.kind === 'offline') this.#session += 1;
    this.#post({ link, kind: 'link', event, session: this.#session });
  }
}
