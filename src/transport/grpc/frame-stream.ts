import { Client, Metadata, status } from '@grpc/grpc-js';
import type { ClientDuplexStream, ClientOptions } from '@grpc/grpc-js';
import { Fifo, yieldTurn } from '../../streams/index.ts';
import { relayService } from '../wire/relay-service.ts';
import type { RelayAddress, TransportSettings } from './options.ts';
import type { CallEnd } from './status-error.ts';
import { TrackedCredentials } from './tracked-credentials.ts';

/** What a {@link FrameStream} tells its owner. Nothing is called after {@link FrameStream.close}. */
export interface FrameStreamHandlers {
  frame(bytes: Buffer): void;
  /** The stream has ended by itself. Called once, last. */
  ended(end: CallEnd): void;
}

/** Control frames are small and few; a relay that does not even take these in is not reading any more. */
const CONTROL_HEADROOM_BYTES = 64 * 1024;

/**
 * One gRPC call of `skytale.relay.v1.Relay/Connect` on a connection of its own: frames in, frames out through a bounded
 * queue. It knows nothing of what the frames say.
 */
export class FrameStream {
  readonly #client: Client;
  readonly #call: ClientDuplexStream<Buffer, Buffer>;
  readonly #maxQueuedBytes: number;
  readonly #queue = new Fifo<Buffer>();
  readonly #credentials: TrackedCredentials;
  readonly #callEnded: Promise<void>;
  #released: Promise<void> | undefined;
  #queuedBytes = 0;
  #isBlocked = false;
  #isOver = false;

  constructor(
    settings: TransportSettings,
    relay: RelayAddress,
    token: string | undefined,
    handlers: FrameStreamHandlers,
  ) {
    this.#maxQueuedBytes = settings.maxQueuedBytes;
    this.#credentials = new TrackedCredentials(relay.credentials);
    this.#client = new Client(relay.target, this.#credentials, channelOptions(settings, relay));
    const metadata = new Metadata();
    if (token !== undefined) metadata.set('authorization', `Bearer ${token}`);
    const { path, requestSerialize, responseDeserialize } = relayService.connect;
    this.#call = this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);

    const end = (callEnd: CallEnd): void => {
      if (this.#isOver) return;
      void this.close();
      handlers.ended(callEnd);
    };
    this.#call.on('data', (bytes: Buffer) => {
      if (!this.#isOver) handlers.frame(bytes);
    });
    this.#call.on('drain', () => {
      this.#isBlocked = false;
      this.#pump();
    });
    // grpc-js tells a failure as `error` and then every end as `status`. Without an `error` listener, which must stay
    // for the life of the call, the process would crash.
    this.#call.on('error', (error: Partial<CallEnd> & Error) => {
      end({ code: error.code ?? status.UNKNOWN, details: error.details ?? error.message });
    });
    this.#callEnded = new Promise((resolve) => {
      this.#call.on('status', (callEnd: CallEnd) => {
        end(callEnd);
        resolve();
      });
    });
  }

  /** Whether `bytes` more may be handed in without overfilling the queue. */
  hasRoomFor(bytes: number): boolean {
    return this.#queuedBytes === 0 || this.#queuedBytes + bytes <= this.#maxQueuedBytes;
  }

  /**
   * Sends a frame after those before it. Ask {@link FrameStream.hasRoomFor} first for all but control frames.
   *
   * @returns False if there is no room for a control frame either: the peer has stopped reading.
   */
  send(frame: Buffer): boolean {
    if (this.#isOver) return true;
    const capacity = Math.max(this.#maxQueuedBytes, frame.length) + CONTROL_HEADROOM_BYTES;
    if (this.#queuedBytes + frame.length > capacity) return false;
    this.#queue.push(frame);
    this.#queuedBytes += frame.length;
    this.#pump();
    return true;
  }

  /** Ends call and connection without a word to the handlers; resolves when their resources are released. */
  close(): Promise<void> {
    this.#isOver = true;
    this.#released ??= this.#release();
    return this.#released;
  }

  #pump(): void {
    while (!this.#isBlocked && !this.#isOver) {
      const frame = this.#queue.shift();
      if (frame === undefined) return;
      this.#queuedBytes -= frame.length;
      this.#isBlocked = !this.#call.write(frame);
    }
  }

  async #release(): Promise<void> {
    this.#queue.clear();
    this.#queuedBytes = 0;
    this.#call.cancel();
    this.#client.close();
    await this.#callEnded;
    // A turn for node to put the end of the stream on the wire.
    await yieldTurn();
    this.#credentials.release();
  }
}

function channelOptions(settings: TransportSettings, relay: RelayAddress): ClientOptions {
  return {
    // Shared subchannels remember the backoff of connections before. Waiting between attempts is ours alone.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.initial_reconnect_backoff_ms': settings.minReconnectDelayMs,
    'grpc.enable_retries': 0,
    'grpc.enable_channelz': 0,
    // No look-up of options in DNS, where others could set them.
    'grpc.service_config_disable_resolution': 1,
    // Of the stream and of the connection. With the 64 KiB of HTTP/2, a round trip of 50 ms would throttle both.
    'grpc-node.flow_control_window': 2 ** 20,
    'grpc.max_receive_message_length': settings.maxReceiveBytes,
    'grpc.max_send_message_length': -1,
    'grpc.enable_http_proxy': relay.isLoopback ? 0 : 1,
    'grpc.primary_user_agent': settings.client,
  };
}
