import { checkInteger } from '../../base/check.ts';
import { ChannelError, RuntimeError } from '../../base/errors.ts';
import { Backoff } from '../../streams/index.ts';
import type { ChannelFault } from './channel-event.ts';
import type { ChannelFront } from './channel-core.ts';
import type { ConsumeOptions, Consumption } from './channel-options.ts';
import { Consumer, type MessageHandler } from './consumer.ts';
import type { ChannelPorts } from './workbench.ts';

/** More handlers at once than the journal holds messages would have nothing to do. */
const MAX_CONCURRENCY = 1024;

/** Where the one consumer of a channel begins and ends. */
export class ConsumeDesk {
  readonly #name: string;
  readonly #mailbox: ChannelFront;
  readonly #ports: Pick<ChannelPorts, 'clock' | 'random'>;
  readonly #fault: (fault: ChannelFault) => void;
  #consumer: Consumer | undefined;

  constructor(
    name: string,
    mailbox: ChannelFront,
    ports: Pick<ChannelPorts, 'clock' | 'random'>,
    fault: (fault: ChannelFault) => void,
  ) {
    this.#name = name;
    this.#mailbox = mailbox;
    this.#ports = ports;
    this.#fault = fault;
  }

  /** Resolves when no handler runs any more; `undefined` if there is no consumer. */
  get done(): Promise<void> | undefined {
    return this.#consumer?.done;
  }

  /** See {@link Channel.consume}. */
  consume(handler: MessageHandler, { concurrency = 1, afterwards = 'let-pass' }: ConsumeOptions = {}): Consumption {
    checkInteger('concurrency', concurrency, 1, MAX_CONCURRENCY);
    if (afterwards !== 'let-pass' && (afterwards as unknown) !== 'keep') {
      throw new RuntimeError('invalid_argument', 'Expected `afterwards` to be let-pass or keep.');
    }
    if (this.#consumer !== undefined) throw new ChannelError('bad_request', `${this.#name} has a consumer already`);
    const consumer = new Consumer(handler, {
      clock: this.#ports.clock,
      concurrency,
      createBackoff: () => new Backoff({}, this.#ports),
      acknowledge: (seq) => this.#mailbox.tell({ kind: 'acknowledge', seq }),
      reportFailure: (seq, attempt, error) => this.#fault({ kind: 'handler-failed', seq, attempt, error }),
    });
    this.#consumer = consumer;
    this.#mailbox.tell({ kind: 'consume', consumer });
    return { stop: () => this.#end(consumer, afterwards) };
  }

  /** Takes no further message, and tells the handlers. */
  stop(): void {
    this.#consumer?.stop();
  }

  async #end(consumer: Consumer, afterwards: 'let-pass' | 'keep'): Promise<void> {
    consumer.stop();
    await consumer.done;
    if (this.#consumer !== consumer) return;
    this.#consumer = undefined;
    // The journal goes on for one that is not released; the next one takes its place.
    if (afterwards === 'let-pass') this.#mailbox.tell({ kind: 'release', consumer });
  }
}
