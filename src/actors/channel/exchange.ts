import type { Observable } from 'rxjs';
import { ChannelError, toSkytaleError } from '../../base/errors.ts';
import type { ChannelEvent } from './channel-event.ts';
import type { ExchangePorts } from './exchange-ports.ts';
import { ReceiptDesk } from './receipt-desk.ts';
import { RequestDesk } from './request-desk.ts';
import { RespondDesk } from './respond-desk.ts';

/** What members exchange beside messages: it hears of everything first, in the channel's order. */
export class Exchange {
  readonly #ports: ExchangePorts;
  readonly receipts: ReceiptDesk;
  readonly requests: RequestDesk;
  readonly responses: RespondDesk;

  constructor(events$: Observable<ChannelEvent>, ports: ExchangePorts) {
    this.#ports = ports;
    this.receipts = new ReceiptDesk(ports);
    this.requests = new RequestDesk(ports);
    this.responses = new RespondDesk(ports);
    events$.subscribe({
      next: (event) => this.#hear(event),
      error: (error: unknown) => ports.fault({ kind: 'source-error', error: toSkytaleError(error) }),
      complete: () => this.stop(),
    });
  }

  /** The channel closes: nobody waits any longer, and nobody works for those who do. */
  stop(): void {
    this.responses.stop();
    const closed = new ChannelError('channel_closed', `${this.#ports.name} was closed before all had answered`);
    this.requests.failAll(closed);
    this.receipts.failAll(closed);
  }

  #hear(event: ChannelEvent): void {
    switch (event.kind) {
      case 'request':
        this.responses.take(event);
        return;
      case 'reply':
        this.requests.take(event);
        return;
      case 'cancel':
        this.responses.cancel(event);
        return;
      case 'confirmation':
        this.receipts.take(event);
        return;
      case 'epoch-change':
        this.receipts.changed(event);
        this.requests.changed(event);
        this.responses.changed(event);
        return;
      default:
    }
  }
}
