import type { Observable } from 'rxjs';
import { ChannelError, toSkytaleError } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import type { ChannelEvent, ChannelStatus } from './channel-event.ts';
import type { ExchangePorts } from './exchange-ports.ts';
import { PresenceAnnouncer } from './presence-announcer.ts';
import { PresenceDesk } from './presence-desk.ts';
import { ReceiptDesk } from './receipt-desk.ts';
import { RequestDesk } from './request-desk.ts';
import { RespondDesk } from './respond-desk.ts';

/** What members exchange beside messages: it hears of everything first, in the channel's order. */
export class Exchange {
  readonly #ports: ExchangePorts;
  readonly receipts: ReceiptDesk;
  readonly requests: RequestDesk;
  readonly responses: RespondDesk;
  readonly presence: PresenceDesk;
  readonly announcer: PresenceAnnouncer;

  constructor(
    events$: Observable<ChannelEvent>,
    status$: Observable<ChannelStatus>,
    ports: ExchangePorts & { readonly random: Random },
  ) {
    this.#ports = ports;
    this.receipts = new ReceiptDesk(ports);
    this.requests = new RequestDesk(ports);
    this.responses = new RespondDesk(ports);
    this.presence = new PresenceDesk(ports);
    this.announcer = new PresenceAnnouncer(ports);
    const error = (cause: unknown): void => ports.fault({ kind: 'source-error', error: toSkytaleError(cause) });
    status$.subscribe({
      next: (status) => {
        this.presence.follow(status === 'live');
        this.announcer.follow(status === 'live');
      },
      error,
    });
    events$.subscribe({
      next: (event) => this.#hear(event),
      error,
      complete: () => {
        this.stop();
        this.presence.stop();
      },
    });
  }

  /** The channel closes: nobody waits any longer, and nobody works for those who do. */
  stop(): void {
    this.responses.stop();
    this.announcer.stop();
    const closed = new ChannelError('channel_closed', `${this.#ports.name} was closed before all had answered`);
    this.requests.failAll(closed);
    this.receipts.failAll(closed);
  }

  #hear(event: ChannelEvent): void {
    if ('sender' in event && event.kind !== 'presence') this.presence.heard(event);
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
      case 'presence':
        this.presence.take(event);
        return;
      case 'epoch-change':
        this.presence.changed(event);
        this.receipts.changed(event);
        this.requests.changed(event);
        this.responses.changed(event);
        return;
      default:
    }
  }
}
