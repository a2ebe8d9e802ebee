import { Client, credentials } from '@grpc/grpc-js';
import type { ClientDuplexStream } from '@grpc/grpc-js';
import { encodeClientFrame, PROTOCOL_VERSION, relayService, startToWire } from '../../src/transport/index.ts';
import { bareService } from './bare-service.ts';
import { GROUP } from './lean-wire.ts';

/** Whom a client talks to: the relay, or a bare grpc-js server that does nothing but move the same bytes. */
export type Peer = 'relay' | 'bare';

/** Where a client connects. */
export interface Address {
  readonly peer: Peer;
  /** `host:port` */
  readonly target: string;
}

/** A stream of frames on a connection of its own. */
export interface LeanStream {
  readonly call: ClientDuplexStream<Buffer, Buffer>;
  close(): void;
}

/** What the library's own client sets, for both peers. */
const CHANNEL_OPTIONS = {
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
  'grpc.enable_channelz': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.enable_http_proxy': 0,
  'grpc-node.flow_control_window': 2 ** 20,
  'grpc.max_receive_message_length': -1,
  'grpc.max_send_message_length': -1,
};

/** A client of the peer, with the connection of its own that it makes when it is first used. */
export function leanClient({ target }: Address): Client {
  return new Client(target, credentials.createInsecure(), CHANNEL_OPTIONS);
}

/** Connects, and says what has to be said first. What ends the stream too early ends the process: it spoils the run. */
export function openStream(address: Address, role: 'publisher' | 'subscriber'): LeanStream {
  const client = leanClient(address);
  const service = address.peer === 'relay' ? relayService.connect : bareService[role];
  const call = client.makeBidiStreamRequest(service.path, service.requestSerialize, service.responseDeserialize);
  let isClosed = false;
  call.on('error', (error) => {
    if (!isClosed) throw error;
  });
  if (address.peer === 'relay') {
    call.write(
      encodeClientFrame({ case: 'hello', value: { protocolVersion: PROTOCOL_VERSION, client: 'skytale bench' } }),
    );
  }
  return {
    call,
    close: () => {
      isClosed = true;
      call.cancel();
      client.close();
    },
  };
}

/** A `Subscribe` frame. */
export function subscribeFrame(subscription: number, channel: string, afterSeq: number, credit: number): Buffer {
  const start = startToWire({ afterSeq });
  return encodeClientFrame({ case: 'subscribe', value: { subscription, channel, group: GROUP, start, credit } });
}

/** A `Credit` frame. */
export function creditFrame(subscription: number, entries: number): Buffer {
  return encodeClientFrame({ case: 'credit', value: { subscription, entries } });
}
