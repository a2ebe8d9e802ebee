import { Observable } from 'rxjs';
import { OrderedSubject } from '../../streams/index.ts';
import type { CallOptions } from './channel-options.ts';

/** Somebody who holds an invite wants to join, and somebody has to decide. */
export interface JoinRequest {
  /** The control plane's name for the request. */
  readonly id: string;
  /** Who wants to join, as it says itself and its key package says. */
  readonly identity: Uint8Array;
  /** Id of the invite that it holds. */
  readonly invite: string;
  /** Whether a member with this identity would be replaced: its keys would be out. */
  readonly replaces: boolean;
  /** When it was made, by the joiner's clock, in Unix milliseconds. */
  readonly requestedAt: number;
  /**
   * Admits it. Resolves when it is a member.
   *
   * @throws {@link ChannelError} `not_found` if it does not wait any more, `bad_request` if another member is about to decide,
   * `commit_conflict` if the group has changed so that it should be decided anew; and what {@link Channel.commit} throws
   */
  approve(options?: CallOptions): Promise<void>;
  /**
   * Denies it.
   *
   * @param reason told to who asked; at most 256 characters
   * @throws {@link ChannelError} `not_found` if it does not wait any more; {@link RuntimeError} `invalid_argument`
   */
  deny(reason: string, options?: CallOptions): Promise<void>;
}

/** Requests that wait for somebody's decision. */
export class OpenJoinRequests {
  readonly #open = new Map<string, JoinRequest>();
  readonly #came = new OrderedSubject<JoinRequest>();
  readonly requests$: Observable<JoinRequest>;

  constructor() {
    this.requests$ = new Observable((subscriber) => {
      for (const request of [...this.#open.values()]) subscriber.next(request);
      subscriber.add(this.#came.asObservable().subscribe(subscriber));
    });
  }

  /** These wait, and no others do. */
  show(requests: readonly JoinRequest[]): void {
    const ids = new Set(requests.map(({ id }) => id));
    for (const id of this.#open.keys()) if (!ids.has(id)) this.#open.delete(id);
    for (const request of requests) {
      if (this.#open.has(request.id)) continue;
      this.#open.set(request.id, request);
      this.#came.next(request);
    }
  }

  /** One is decided. */
  remove(id: string): void {
    this.#open.delete(id);
  }

  complete(): void {
    this.#open.clear();
    this.#came.complete();
  }
}
