import { Subscription } from 'rxjs';
import { equalBytes, toHex } from '../../base/bytes.ts';
import { ChannelError, RuntimeError, toSkytaleError } from '../../base/errors.ts';
import type { EpochChange } from './channel-event.ts';
import type { CancelNotice, ChannelRequest } from './exchange-event.ts';
import type { ExchangePorts } from './exchange-ports.ts';
import { ReplyWriter } from './reply-writer.ts';
import { keyOf } from './request-desk.ts';
import { type CheckedRespond, checkRespondOptions, type RequestHandler, type RespondOptions } from './responder.ts';
import { RunningRequest } from './running-request.ts';

interface Service extends CheckedRespond {
  readonly handler: RequestHandler;
}

/** Requests of other members, and the one handler that works on them. */
export class RespondDesk {
  readonly #ports: ExchangePorts;
  #service: Service | undefined;
  /** In the order of their arrival. */
  readonly #waiting = new Map<string, ChannelRequest>();
  readonly #running = new Map<string, RunningRequest>();
  #isFilling = false;

  constructor(ports: ExchangePorts) {
    this.#ports = ports;
  }

  /** See {@link Channel.respond}. */
  respond(handler: RequestHandler, options: RespondOptions = {}): Subscription {
    const checked = checkRespondOptions(options);
    this.#ports.checkOpen();
    if (this.#service !== undefined)
      throw new ChannelError('bad_request', `${this.#ports.name} has a responder already`);
    this.#service = { handler, ...checked };
    return new Subscription(() => this.stop());
  }

  take(request: ChannelRequest): void {
    const { self, clock } = this.#ports;
    if (this.#service === undefined || request.deadlineMs <= clock.now()) return;
    if (request.to.length > 0 && !request.to.some((identity) => equalBytes(identity, self))) return;
    const key = nameOf(request);
    if (this.#running.has(key) || this.#waiting.has(key)) return;
    const { concurrency, maxWaiting } = this.#service;
    if (this.#running.size >= concurrency && this.#waiting.size >= maxWaiting) {
      this.#refuse(request, maxWaiting);
      return;
    }
    this.#waiting.set(key, request);
    this.#fill();
  }

  /** Who asked does not wait any more. */
  cancel(notice: CancelNotice): void {
    const key = nameOf(notice);
    this.#waiting.delete(key);
    this.#running.get(key)?.cancel();
  }

  /** Who is no member any more does not hear replies. */
  changed({ added, removed }: EpochChange): void {
    const comers = new Set(added.map(({ identity }) => toHex(identity)));
    const gone = new Set(removed.map(({ identity }) => toHex(identity)).filter((key) => !comers.has(key)));
    if (gone.size === 0) return;
    for (const [key, { sender }] of this.#waiting) if (gone.has(toHex(sender))) this.#waiting.delete(key);
    for (const running of [...this.#running.values()]) if (gone.has(toHex(running.request.sender))) running.cancel();
  }

  /** Takes no further request and cancels the work on those that were taken. */
  stop(): void {
    this.#service = undefined;
    this.#waiting.clear();
    for (const running of [...this.#running.values()]) running.cancel();
  }

  /** Starts what may start. A handler that is over at once does not come back to here for the next one. */
  #fill(): void {
    if (this.#isFilling) return;
    this.#isFilling = true;
    for (let request = this.#next(); request !== undefined; request = this.#next()) this.#start(request);
    this.#isFilling = false;
  }

  #next(): ChannelRequest | undefined {
    if (this.#running.size >= (this.#service?.concurrency ?? 0)) return undefined;
    for (const [key, request] of this.#waiting) {
      this.#waiting.delete(key);
      // It may have waited until nobody waits for it any more.
      if (request.deadlineMs > this.#ports.clock.now()) return request;
    }
    return undefined;
  }

  #start(request: ChannelRequest): void {
    const handler = this.#service?.handler;
    if (handler === undefined) return;
    const key = nameOf(request);
    const running = new RunningRequest(request, this.#ports, () => {
      this.#running.delete(key);
      this.#fill();
    });
    this.#running.set(key, running);
    running.start(handler);
  }

  #refuse(request: ChannelRequest, maxWaiting: number): void {
    const { fault } = this.#ports;
    const error = new RuntimeError('mailbox_full', `${maxWaiting} requests wait for their turn already`);
    new ReplyWriter(this.#ports, request, (unsent) => fault({ kind: 'unsent', error: toSkytaleError(unsent) })).fail(
      error.message,
    );
    fault({ kind: 'respond-failed', seq: request.seq, error });
  }
}

/** Ids are their senders' to choose: nobody can touch the request of another. */
function nameOf(call: ChannelRequest | CancelNotice): string {
  return `${toHex(call.sender)}.${keyOf(call)}`;
}
