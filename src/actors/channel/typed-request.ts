import {
  catchError,
  concatMap,
  defer,
  from,
  map,
  type Observable,
  type ObservableInput,
  of,
  type Subscription,
  throwError,
} from 'rxjs';
import type { PayloadChannel } from './payload-channel.ts';
import { isPromiseLike, type PayloadCodec } from './payload-codec.ts';
import { PayloadError } from './payload-error.ts';
import type { Reply, RequestOptions } from './request-options.ts';
import type { IncomingRequest, RespondOptions } from './responder.ts';

/** A {@link Reply} whose payload is decoded. */
export interface TypedReply<T> extends Omit<Reply, 'payload'> {
  readonly payload: T;
}

/** An {@link IncomingRequest} whose payload is decoded. */
export interface TypedRequest<T> extends Omit<IncomingRequest, 'payload'> {
  readonly payload: T;
}

/** Answers as a {@link RequestHandler} does, in values. */
export type TypedRequestHandler<In, Out> = (request: TypedRequest<Out>, signal: AbortSignal) => ObservableInput<In>;

/** {@link Channel.request} in values. A value that does not encode, and a reply that does not decode, ends it with a {@link PayloadError}. */
export function requestTyped<In, Out>(
  channel: PayloadChannel,
  codec: PayloadCodec<In, Out>,
  value: In,
  options: RequestOptions,
): Observable<TypedReply<Out>> {
  // Made once, so that all tries have one id.
  let request: Observable<Reply> | undefined;
  return encoded(codec, value).pipe(
    concatMap((payload) => (request ??= channel.request(payload, options))),
    concatMap((reply) => decoded(codec, reply)),
  );
}

/** {@link Channel.respond} in values. A request that does not decode, and an answer that does not encode, fails as if the handler had thrown. */
export function respondTyped<In, Out>(
  channel: PayloadChannel,
  codec: PayloadCodec<In, Out>,
  handler: TypedRequestHandler<In, Out>,
  options?: RespondOptions,
): Subscription {
  return channel.respond(
    (request, signal) =>
      decoded(codec, request).pipe(
        concatMap((typed) => handler(typed, signal)),
        concatMap((answer) => encoded(codec, answer)),
      ),
    options,
  );
}

function encoded<In>(codec: PayloadCodec<In, unknown>, value: In): Observable<Uint8Array> {
  return attempt(() => codec.encode(value), 'the value does not encode');
}

function decoded<Out, E extends { readonly payload: Uint8Array }>(
  codec: PayloadCodec<never, Out>,
  element: E,
): Observable<Omit<E, 'payload'> & { readonly payload: Out }> {
  const values$ = attempt(() => codec.decode(element.payload), 'the payload does not decode');
  return values$.pipe(map((payload) => ({ ...element, payload })));
}

/** What a codec gives, at once or later; what it throws as a {@link PayloadError}. */
function attempt<T>(work: () => T | PromiseLike<T>, detail: string): Observable<T> {
  return defer(() => {
    const result = work();
    return isPromiseLike(result) ? from(result) : of(result);
  }).pipe(catchError((error: unknown) => throwError(() => PayloadError.from(error, detail))));
}
