import { from, Subject, takeUntil } from 'rxjs';
import { toSkytaleError } from '../../base/errors.ts';
import type { ChannelRequest } from './exchange-event.ts';
import type { ExchangePorts } from './exchange-ports.ts';
import { ReplyWriter } from './reply-writer.ts';
import { MAX_TIMEOUT_MS } from './request-options.ts';
import type { RequestHandler } from './responder.ts';

/** The work on one request, until its handler has said all, or nobody waits any more. */
export class RunningRequest {
  readonly request: ChannelRequest;
  readonly #ports: ExchangePorts;
  readonly #abort = new AbortController();
  readonly #replies: ReplyWriter;
  readonly #done: () => void;
  readonly #over = new Subject<void>();
  #cancelDeadline: (() => void) | undefined;
  #isOver = false;

  /** @param done called once, when this is over in whatever way */
  constructor(request: ChannelRequest, ports: ExchangePorts, done: () => void) {
    this.request = request;
    this.#ports = ports;
    this.#done = done;
    this.#replies = new ReplyWriter(ports, request, (error) => {
      ports.fault({ kind: 'unsent', error: toSkytaleError(error) });
      this.cancel();
    });
  }

  start(handler: RequestHandler): void {
    const { clock } = this.#ports;
    const { id, attempt, payload, deadlineMs, seq, epoch, sender, phase, receivedAt } = this.request;
    const incoming = { id, attempt, payload, deadlineMs, seq, epoch, sender, phase, receivedAt };
    // A member may write any deadline.
    const remainingMs = Math.min(deadlineMs - clock.now(), MAX_TIMEOUT_MS);
    this.#cancelDeadline = clock.schedule(remainingMs, () => this.cancel());
    try {
      const replies$ = from(handler(incoming, this.#abort.signal));
      // What emits at once has not returned a subscription yet when it is over.
      replies$.pipe(takeUntil(this.#over)).subscribe({
        next: (reply) => this.#reply(reply),
        error: (error: unknown) => this.#fail(error),
        complete: () => {
          if (this.#isOver) return;
          this.#replies.complete();
          this.#end();
        },
      });
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Nobody waits any more. */
  cancel(): void {
    if (this.#isOver) return;
    this.#replies.drop();
    this.#end();
    this.#abort.abort();
  }

  #reply(payload: Uint8Array): void {
    if (this.#isOver) return;
    try {
      this.#replies.next(payload);
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    const failure = toSkytaleError(error);
    this.#replies.fail(failure.message);
    this.#ports.fault({ kind: 'respond-failed', seq: this.request.seq, error: failure });
    this.#end();
  }

  #end(): void {
    this.#isOver = true;
    this.#cancelDeadline?.();
    this.#over.next();
    this.#done();
  }
}
