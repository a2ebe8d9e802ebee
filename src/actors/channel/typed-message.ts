import type { SkytaleError } from '../../base/errors.ts';
import type { ChannelMessage } from './channel-event.ts';

/** A {@link ChannelMessage} whose payload is decoded. */
export interface TypedMessage<T> extends Omit<ChannelMessage, 'payload'> {
  readonly payload: T;
}

/** Called as a {@link MessageHandler} is, with what was decoded. */
export type TypedMessageHandler<T> = (message: TypedMessage<T>, signal: AbortSignal) => void | PromiseLike<void>;

/**
 * Something that a codec could not translate.
 *
 * - `received`: a payload of another member, whole, with where it came from.
 * - `unsent`: a value that was given to `next`, which was not sent.
 *
 * The error is a {@link PayloadError}, whose `issues` say what a validator found; or `mailbox_full` if too many values waited for a
 * codec that takes its time.
 */
export type PayloadReject<In> =
  | { readonly kind: 'received'; readonly message: ChannelMessage; readonly error: SkytaleError }
  | { readonly kind: 'unsent'; readonly value: In; readonly error: SkytaleError };
