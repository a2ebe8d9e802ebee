import { Observable, type Subscription } from 'rxjs';
import { RuntimeError } from '../../base/errors.ts';
import { OrderedSubject } from '../../streams/index.ts';
import type { ChannelMessage } from './channel-event.ts';
import { InOrder } from './in-order.ts';
import type { PayloadCodec } from './payload-codec.ts';
import { PayloadError } from './payload-error.ts';
import type { PayloadReject, TypedMessage } from './typed-message.ts';

/** What comes of a message, or of a value, under a codec. */
export type Decoded<In, Out> = TypedMessage<Out> | { readonly kind: 'reject'; readonly reject: PayloadReject<In> };

/**
 * A channel's messages under a codec: each is decoded once, whoever listens, and in the channel's order.
 *
 * Listens to the channel while anybody listens here.
 */
export class DecodedMessages<In, Out> {
  readonly #messages$: Observable<ChannelMessage>;
  readonly #codec: PayloadCodec<In, Out>;
  readonly #capacity: number;
  readonly #results = new OrderedSubject<Decoded<In, Out>>();
  #decodings: InOrder;
  #source: Subscription | undefined;
  #listeners = 0;
  /** Hot, no replay; completes when the channel does, behind what is being decoded; never errors. */
  readonly results$: Observable<Decoded<In, Out>>;

  /** @param capacity messages that may wait for a codec that takes its time; those beyond are rejects */
  constructor(messages$: Observable<ChannelMessage>, codec: PayloadCodec<In, Out>, capacity: number) {
    this.#messages$ = messages$;
    this.#codec = codec;
    this.#capacity = capacity;
    this.#decodings = new InOrder(capacity);
    this.results$ = new Observable((subscriber) => {
      subscriber.add(this.#results.asObservable().subscribe(subscriber));
      this.#listeners += 1;
      subscriber.add(() => this.#forget());
      this.#source ??= this.#listen();
    });
  }

  /** Tells of something that could not be translated. */
  reject(reject: PayloadReject<In>): void {
    this.#results.next({ kind: 'reject', reject });
  }

  /** What the payload of a message says; `undefined` if it does not decode. Reports nothing. */
  async payloadOf({ payload }: ChannelMessage): Promise<{ readonly value: Out } | undefined> {
    try {
      return { value: await this.#codec.decode(payload) };
    } catch {
      // Whoever listens to the results has this message there as a reject.
      return undefined;
    }
  }

  #listen(): Subscription {
    return this.#messages$.subscribe({
      next: (message) => this.#decode(message),
      // Streams of a channel never error; if one did, those here would end with it.
      error: () => this.#results.complete(),
      complete: () => this.#decodings.afterAll(() => this.#results.complete()),
    });
  }

  #forget(): void {
    this.#listeners -= 1;
    if (this.#listeners > 0) return;
    this.#source?.unsubscribe();
    this.#source = undefined;
    // What is being decoded was for those who have gone, not for those who may come.
    this.#decodings = new InOrder(this.#capacity);
  }

  #decode(message: ChannelMessage): void {
    const decodings = this.#decodings;
    const isTaken = decodings.add(
      () => this.#codec.decode(message.payload),
      (outcome) => {
        if (decodings !== this.#decodings) return;
        if (outcome.kind === 'done') this.#results.next({ ...message, payload: outcome.value });
        else this.#reject(message, PayloadError.from(outcome.error, 'the payload does not decode'));
      },
    );
    if (isTaken) return;
    this.#reject(message, new RuntimeError('mailbox_full', `${this.#capacity} messages wait for the codec already`));
  }

  #reject(message: ChannelMessage, error: RuntimeError | PayloadError): void {
    this.reject({ kind: 'received', message, error });
  }
}
