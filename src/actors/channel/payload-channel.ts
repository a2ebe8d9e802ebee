import type { Observable, Observer, Subscription } from 'rxjs';
import type { Holdable } from '../../streams/index.ts';
import type { ChannelMessage, SendReceipt } from './channel-event.ts';
import type { ConsumeOptions, Consumption, SendOptions } from './channel-options.ts';
import type { MessageHandler } from './consumer.ts';
import type { ConfirmedReceipt, ConfirmedSendOptions } from './receipt.ts';
import type { Reply, RequestOptions } from './request-options.ts';
import type { RequestHandler, RespondOptions } from './responder.ts';

/** What a view needs of its channel, see {@link Channel} for each. */
export interface PayloadChannel extends Observer<Uint8Array>, Holdable {
  readonly name: string;
  readonly messages$: Observable<ChannelMessage>;
  send(payload: Uint8Array, options?: SendOptions): Promise<SendReceipt>;
  send(payload: Uint8Array, options: ConfirmedSendOptions): Promise<ConfirmedReceipt>;
  request(payload: Uint8Array, options: RequestOptions): Observable<Reply>;
  respond(handler: RequestHandler, options?: RespondOptions): Subscription;
  consume(handler: MessageHandler, options?: ConsumeOptions): Consumption;
}
