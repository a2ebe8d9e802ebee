import { filter, map, Observable, type Observer, type Subscription } from 'rxjs';
import { RuntimeError, type SkytaleError, toSkytaleError } from '../../base/errors.ts';
import { abortable, type Holdable } from '../../streams/index.ts';
import type { SendReceipt } from './channel-event.ts';
import type { ConsumeOptions, Consumption, SendOptions } from './channel-options.ts';
import { DecodedMessages } from './decoded-messages.ts';
import { InOrder } from './in-order.ts';
import type { PayloadChannel } from './payload-channel.ts';
import type { PayloadCodec } from './payload-codec.ts';
import { PayloadError } from './payload-error.ts';
import type { ConfirmedReceipt, ConfirmedSendOptions } from './receipt.ts';
import { checkRequestOptions, type RequestOptions } from './request-options.ts';
import type { RespondOptions } from './responder.ts';
import type { PayloadReject, TypedMessage, TypedMessageHandler } from './typed-message.ts';
import { requestTyped, respondTyped, type TypedReply, type TypedRequestHandler } from './typed-request.ts';

/** Values that may wait for a codec that takes its time, in each direction. */
const MAX_WAITING = 1024;

/**
 * A channel in values instead of payloads: an Observable of messages with decoded payloads, and an Observer of values.
 *
 * A view: the channel stays what it is, and may have several. What does not decode comes out of {@link TypedChannel.rejects$} and
 * the streams live on. Order is the channel's, also if the codec takes its time.
 */
// As Channel itself is.
// eslint-disable-next-line rxjs-x/no-subclass
export class TypedChannel<In, Out = In> extends Observable<TypedMessage<Out>> implements Observer<In>, Holdable {
  /** Messages of the others whose payloads decode. Hot, and starts the flow, as `messages$` of the channel; never errors. */
  readonly messages$: Observable<TypedMessage<Out>>;
  /**
   * Payloads that do not decode, and values given to `next` that do not encode. Hot, no replay; starts the flow like
   * `messages$`; completes with the channel; never errors.
   */
  readonly rejects$: Observable<PayloadReject<In>>;
  readonly #channel: PayloadChannel;
  readonly #codec: PayloadCodec<In, Out>;
  readonly #decoded: DecodedMessages<In, Out>;
  readonly #encodings = new InOrder(MAX_WAITING);

  /** Views come from {@link Channel.as}. */
  constructor(channel: PayloadChannel, codec: PayloadCodec<In, Out>) {
    super((subscriber) => this.messages$.subscribe(subscriber));
    this.#channel = channel;
    this.#codec = codec;
    this.#decoded = new DecodedMessages(channel.messages$, codec, MAX_WAITING);
    const { results$ } = this.#decoded;
    this.messages$ = results$.pipe(filter((result) => result.kind === 'message'));
    this.rejects$ = results$.pipe(
      filter((result) => result.kind === 'reject'),
      map(({ reject }) => reject),
    );
  }

  /** `org/namespace/service`. */
  get name(): string {
    return this.#channel.name;
  }

  /**
   * Sends a value; see {@link Channel.send}.
   *
   * @throws {@link PayloadError} `invalid_payload` if the codec has no payload for it: nothing is sent
   */
  send(value: In, options?: SendOptions): Promise<SendReceipt>;
  send(value: In, options: ConfirmedSendOptions): Promise<ConfirmedReceipt>;
  send(value: In, options?: SendOptions | ConfirmedSendOptions): Promise<SendReceipt> {
    const sent = new Promise<SendReceipt>((resolve, reject) => {
      // The two forms are one to whoever passes them on.
      const send = (payload: Uint8Array): unknown =>
        this.#channel.send(payload, options as SendOptions).then(resolve, reject);
      this.#encode(value, send, reject);
    });
    // The codec may take its time, too.
    return abortable(sent, options?.signal);
  }

  /**
   * Sends a value without waiting; see {@link Channel.next}. One that the codec has no payload for comes out of
   * {@link TypedChannel.rejects$}.
   *
   * @throws {@link ChannelError} `channel_closed`
   */
  next(value: In): void {
    const reject = (error: SkytaleError): void => this.#decoded.reject({ kind: 'unsent', value, error });
    let isInCall = true;
    const send = (payload: Uint8Array): void => {
      try {
        this.#channel.next(payload);
      } catch (error) {
        if (isInCall) throw error;
        reject(toSkytaleError(error));
      }
    };
    this.#encode(value, send, reject);
    isInCall = false;
  }

  /** See {@link Channel.hold}. */
  hold(): () => void {
    return this.#channel.hold();
  }

  /** See {@link Channel.error}. */
  error(error: unknown): void {
    this.#channel.error(error);
  }

  /** See {@link Channel.complete}. */
  complete(): void {
    this.#channel.complete();
  }

  /**
   * See {@link Channel.consume}. What does not decode is skipped and counts as handled, because another try would not
   * help; whoever listens to {@link TypedChannel.rejects$} has it.
   */
  consume(handler: TypedMessageHandler<Out>, options?: ConsumeOptions): Consumption {
    return this.#channel.consume(async (message, signal) => {
      const payload = await this.#decoded.payloadOf(message);
      if (payload !== undefined) await handler({ ...message, payload: payload.value }, signal);
    }, options);
  }

  /**
   * See {@link Channel.request}. A value that does not encode, or a reply that does not decode, ends it with a
   * {@link PayloadError}.
   *
   * @throws {@link RuntimeError} `invalid_argument`
   */
  request(value: In, options: RequestOptions): Observable<TypedReply<Out>> {
    checkRequestOptions(options);
    return requestTyped(this.#channel, this.#codec, value, options);
  }

  /**
   * See {@link Channel.respond}. A request that does not decode, or an answer that does not encode, fails as if the handler
   * had thrown.
   *
   * @throws {@link ChannelError} `bad_request` if there is a responder already, `channel_closed`
   */
  respond(handler: TypedRequestHandler<In, Out>, options?: RespondOptions): Subscription {
    return respondTyped(this.#channel, this.#codec, handler, options);
  }

  #encode(value: In, send: (payload: Uint8Array) => unknown, reject: (error: SkytaleError) => void): void {
    const isTaken = this.#encodings.add(
      () => this.#codec.encode(value),
      (outcome) => {
        if (outcome.kind === 'done') send(outcome.value);
        else reject(PayloadError.from(outcome.error, 'the value does not encode'));
      },
    );
    if (!isTaken) reject(new RuntimeError('mailbox_full', `${MAX_WAITING} values wait for the codec already`));
  }
}
