import { create } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import type { handleServerStreamingCall, handleUnaryCall, Server, ServerWritableStream } from '@grpc/grpc-js';
import type { Clock } from '../../base/clock.ts';
import {
  Health,
  HealthCheckResponse_ServingStatus as ServingStatus,
  HealthCheckResponseSchema,
} from './gen/grpc/health/v1/health_pb.ts';
import type { HealthCheckRequest, HealthCheckResponse } from './gen/grpc/health/v1/health_pb.ts';
import { grpcMethod } from './grpc-method.ts';

/** What the health service has to know. */
export interface HealthSources {
  /** Full names of the services whose health may be asked for. All serve, or none. */
  readonly services: readonly string[];
  /** Whether the relay serves. If it rejects, it does not. */
  isServing(): Promise<boolean>;
  readonly clock: Clock;
}

/** How often those who watch are looked after. */
const LOOK_MS = 2_000;

type Watcher = ServerWritableStream<HealthCheckRequest, HealthCheckResponse>;

/**
 * `grpc.health.v1.Health`. A relay without watchers is asked only when somebody asks.
 */
export class GrpcHealth {
  readonly #sources: HealthSources;
  readonly #known: ReadonlySet<string>;
  /** With what each was told last. */
  readonly #watchers = new Map<Watcher, ServingStatus | undefined>();
  #cancelLook: (() => void) | undefined;

  constructor(sources: HealthSources) {
    this.#sources = sources;
    this.#known = new Set(['', ...sources.services]);
  }

  /** Adds the service to a server. */
  addTo(server: Server): void {
    const { check, watch } = Health.method;
    server.addService(
      { check: grpcMethod(check), watch: grpcMethod(watch) },
      { check: this.#check, watch: this.#watch },
    );
  }

  /** Tells the watchers that the relay ends, and ends their calls. */
  close(): void {
    this.#stopLooking();
    for (const [watcher, told] of this.#watchers) {
      if (told === ServingStatus.SERVING) watcher.write(answer(ServingStatus.NOT_SERVING));
      watcher.end();
    }
    this.#watchers.clear();
  }

  readonly #check: handleUnaryCall<HealthCheckRequest, HealthCheckResponse> = ({ request }, callback) => {
    if (!this.#known.has(request.service)) {
      callback({ code: status.NOT_FOUND, details: 'this service is not known here' });
      return;
    }
    void this.#status().then((serving) => callback(null, answer(serving)));
  };

  readonly #watch: handleServerStreamingCall<HealthCheckRequest, HealthCheckResponse> = (watcher) => {
    const isKnown = this.#known.has(watcher.request.service);
    if (!isKnown) watcher.write(answer(ServingStatus.SERVICE_UNKNOWN)); // and nothing more: services do not come later here
    this.#watchers.set(watcher, isKnown ? undefined : ServingStatus.SERVICE_UNKNOWN);
    for (const event of ['cancelled', 'close', 'error']) {
      watcher.on(event, () => {
        this.#watchers.delete(watcher);
        if (this.#watchers.size === 0) this.#stopLooking();
      });
    }
    void this.#look();
  };

  /** Tells each watcher what has changed for it. */
  async #look(): Promise<void> {
    this.#stopLooking();
    const serving = await this.#status();
    for (const [watcher, told] of this.#watchers) {
      if (told === serving || told === ServingStatus.SERVICE_UNKNOWN) continue;
      if (watcher.writableNeedDrain) continue; // who does not read what it was told is not told more
      watcher.write(answer(serving));
      this.#watchers.set(watcher, serving);
    }
    this.#stopLooking(); // another look may have ended meanwhile
    if (this.#watchers.size > 0) this.#cancelLook = this.#sources.clock.schedule(LOOK_MS, () => void this.#look());
  }

  #stopLooking(): void {
    this.#cancelLook?.();
    this.#cancelLook = undefined;
  }

  async #status(): Promise<ServingStatus> {
    const isServing = await this.#sources.isServing().catch(() => false);
    return isServing ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
  }
}

function answer(serving: ServingStatus): HealthCheckResponse {
  return create(HealthCheckResponseSchema, { status: serving });
}
