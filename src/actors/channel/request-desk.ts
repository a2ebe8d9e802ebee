import { Observable, type Subscriber } from 'rxjs';
import { ChannelError, RuntimeError, type SkytaleError, toSkytaleError } from '../../base/errors.ts';
import { fromHex, toHex } from '../../base/bytes.ts';
import type { EpochChange } from './channel-event.ts';
import type { CallName, ReplyEvent } from './exchange-event.ts';
import type { ExchangePorts } from './exchange-ports.ts';
import { PendingRequest } from './pending-request.ts';
import { checkRequestOptions, type CheckedRequest, type Reply, type RequestOptions } from './request-options.ts';
import { Roster } from './roster.ts';

/** Requests that may wait for replies at once. */
const MAX_PENDING = 1024;

/** Own requests that wait for replies. */
export class RequestDesk {
  readonly #ports: ExchangePorts;
  readonly #pending = new Map<string, PendingRequest>();

  constructor(ports: ExchangePorts) {
    this.#ports = ports;
  }

  /** See {@link Channel.request}. */
  request(payload: Uint8Array, options: RequestOptions): Observable<Reply> {
    const checked = checkRequestOptions(options);
    const id = this.#ports.ids.create();
    let attempt = 0;
    return new Observable((subscriber) => {
      attempt += 1;
      this.#start({ id, attempt }, payload, checked, subscriber);
    });
  }

  /** Somebody has replied, perhaps to somebody else's request. */
  take(reply: ReplyEvent): void {
    const pending = this.#pending.get(keyOf(reply));
    if (pending !== undefined) pending.take(reply);
    else this.#reportLate(reply);
  }

  #reportLate({ id, seq, sender, payload }: ReplyEvent): void {
    const { ids, fault } = this.#ports;
    // That there is no further reply is no news to who does not wait.
    if (payload !== undefined && ids.isOwn(fromHex(id))) fault({ kind: 'late-reply', seq, sender, payload });
  }

  changed(change: EpochChange): void {
    for (const pending of [...this.#pending.values()]) pending.changed(change);
  }

  /** Nothing comes any more: all that wait have their answer. */
  failAll(error: SkytaleError): void {
    for (const pending of [...this.#pending.values()]) pending.fail(error);
  }

  #start(
    call: { readonly id: Uint8Array; readonly attempt: number },
    payload: Uint8Array,
    options: CheckedRequest,
    subscriber: Subscriber<Reply>,
  ): void {
    const { clock, name, state, self, send } = this.#ports;
    try {
      this.#ports.checkOpen();
    } catch (error) {
      subscriber.error(error);
      return;
    }
    if (this.#pending.size >= MAX_PENDING) {
      subscriber.error(new RuntimeError('mailbox_full', `${MAX_PENDING} requests wait for replies already`));
      return;
    }
    const { members, epoch } = state();
    const key = keyOf({ id: toHex(call.id), attempt: call.attempt });
    const pending = new PendingRequest(subscriber, options, new Roster(members, epoch, self));
    this.#pending.set(key, pending);
    const unwanted = new AbortController();
    const cancelTimeout = clock.schedule(options.timeoutMs, () => {
      hasTimedOut = true;
      pending.fail(
        new ChannelError('request_timeout', `${name}: not all expected replies came within ${options.timeoutMs} ms`),
      );
    });
    let hasTimedOut = false;
    subscriber.add(() => {
      cancelTimeout();
      unwanted.abort();
      this.#pending.delete(key);
      // Who works on it sees by itself that time is over.
      if (pending.isWorkedOn && !hasTimedOut) this.#cancel(call);
    });
    send({
      header: {
        kind: {
          case: 'request',
          value: { call, deadlineMs: BigInt(Math.ceil(clock.now()) + options.timeoutMs), to: [...options.to] },
        },
      },
      payload,
      signal: unwanted.signal,
      stored: (receipt) => {
        if (this.#pending.get(key) === pending) pending.stored(receipt);
        // It left before anybody could take it back.
        else if (!hasTimedOut) this.#cancel(call);
      },
      failed: (error) => pending.fail(toSkytaleError(error)),
    });
  }

  #cancel(call: { readonly id: Uint8Array; readonly attempt: number }): void {
    this.#ports.send({
      header: { kind: { case: 'cancel', value: { call } } },
      failed: (error) => this.#ports.fault({ kind: 'unsent', error: toSkytaleError(error) }),
    });
  }
}

/** Under what a request is found. */
export function keyOf({ id, attempt }: CallName): string {
  return `${id}.${attempt}`;
}
