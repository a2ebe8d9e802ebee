import { fromHex } from '../../base/bytes.ts';
import { checkBytes } from '../../base/check.ts';
import type { EnvelopeHeader } from './envelope.ts';
import type { CallName } from './exchange-event.ts';
import type { ExchangePorts } from './exchange-ports.ts';

const MAX_FAILURE_CHARACTERS = 1024;

type Content = Extract<EnvelopeHeader['kind'], { case: 'reply' }>['value']['content'];

/**
 * Sends the replies to one request.
 *
 * Holds each for the rest of the turn, because what gives one value ends in the same turn: then the value says that it is
 * the last, and no message is needed for that.
 */
export class ReplyWriter {
  readonly #ports: ExchangePorts;
  readonly #call: CallName;
  readonly #failed: (error: unknown) => void;
  #held: Uint8Array | undefined;

  /** @param failed told if a reply cannot be sent */
  constructor(ports: ExchangePorts, call: CallName, failed: (error: unknown) => void) {
    this.#ports = ports;
    this.#call = call;
    this.#failed = failed;
  }

  /** @throws {@link RuntimeError} `invalid_argument` if a handler gave something else than bytes */
  next(payload: Uint8Array): void {
    checkBytes('reply', payload);
    this.#flush();
    this.#held = payload;
    queueMicrotask(() => {
      if (this.#held === payload) this.#flush();
    });
  }

  complete(): void {
    if (this.#held === undefined) this.#send({ case: 'end', value: true });
    else this.#send({ case: 'last', value: true }, this.#held);
    this.#held = undefined;
  }

  fail(detail: string): void {
    this.#flush();
    this.#send({ case: 'failure', value: detail.slice(0, MAX_FAILURE_CHARACTERS) });
  }

  /** Nobody waits any more. */
  drop(): void {
    this.#held = undefined;
  }

  #flush(): void {
    if (this.#held === undefined) return;
    this.#send({ case: 'more', value: true }, this.#held);
    this.#held = undefined;
  }

  #send(content: NonNullable<Content>, payload?: Uint8Array): void {
    const { id, attempt } = this.#call;
    this.#ports.send({
      header: { kind: { case: 'reply', value: { call: { id: fromHex(id), attempt }, content } } },
      ...(payload && { payload }),
      failed: this.#failed,
    });
  }
}
