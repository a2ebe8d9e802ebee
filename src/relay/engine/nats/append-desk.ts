import type { ChannelName } from '../../../base/channel-name.ts';
import type { PublishAnswer } from '../../../transport/index.ts';
import type { AppendOutcome, AppendRequest } from '../log-engine.ts';
import { refused } from '../log-rules.ts';
import { WaitingBytes } from '../waiting-bytes.ts';
import type { Item } from './append-plan.ts';
import { AppendQueue } from './append-queue.ts';
import type { AppendContext } from './append-queue.ts';
import type { Shard } from './shard.ts';

/** Requests that wait for the log; beyond that they are answered `unavailable`. */
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;

/** What an account had stored in a shard when its submissions were judged. */
export interface CountInShard {
  readonly shard: Shard;
  readonly count: number;
}

/** What a desk needs beside what its queues need. */
export interface AppendDeskContext extends AppendContext {
  readonly shardOf: (channel: ChannelName) => Shard;
  readonly outcome: (request: AppendRequest, answers: readonly PublishAnswer[], at?: CountInShard) => AppendOutcome;
}

/** Takes requests, and has a queue for each channel that something waits for. */
export class AppendDesk {
  readonly #context: AppendDeskContext;
  readonly #queues = new Map<ChannelName, AppendQueue>();
  readonly #waiting = new WaitingBytes(MAX_QUEUED_BYTES);
  #onIdle: (() => void)[] = [];

  constructor(context: AppendDeskContext) {
    this.#context = context;
  }

  append(request: AppendRequest): Promise<AppendOutcome> {
    const { channel, group, submissions, by } = request;
    if (submissions.length === 0) return Promise.resolve(this.#context.outcome(request, []));
    if (!this.#context.isUp()) {
      return Promise.resolve(unavailable(request, 'there is no connection to the log just now'));
    }
    const bytes = requestBytes(request);
    if (!this.#waiting.take(bytes)) {
      return Promise.resolve(unavailable(request, 'too much waits for the log already'));
    }
    const shard = this.#context.shardOf(channel);
    return new Promise((resolve) => {
      const answers = new Array<PublishAnswer>(submissions.length);
      let open = submissions.length;
      let inShard = 0;
      const items = submissions.map(
        (submission, index): Item => ({
          group,
          by,
          submission,
          expiries: 0,
          answer: (answer, count = 0) => {
            answers[index] = answer;
            inShard = Math.max(inShard, count);
            open -= 1;
            if (open > 0) return;
            this.#waiting.give(bytes);
            resolve(this.#context.outcome(request, answers, inShard === 0 ? undefined : { shard, count: inShard }));
          },
        }),
      );
      this.#queueOf(channel, shard).push(items);
    });
  }

  /** Answers what is not on its way: nothing of it is stored. */
  refuseWaiting(detail: string): void {
    for (const queue of this.#queues.values()) queue.refuseWaiting(detail);
  }

  /** Resolves when everything that was taken is answered. */
  idle(): Promise<void> {
    if (this.#queues.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#onIdle.push(resolve));
  }

  #queueOf(channel: ChannelName, shard: Shard): AppendQueue {
    let queue = this.#queues.get(channel);
    if (queue === undefined) {
      queue = new AppendQueue(channel, shard, this.#context, () => {
        this.#queues.delete(channel);
        this.#context.forget(channel);
        if (this.#queues.size === 0) for (const resolve of this.#onIdle.splice(0)) resolve();
      });
      this.#queues.set(channel, queue);
    }
    return queue;
  }
}

/** Nothing of a request was stored. */
export function unavailable({ submissions }: AppendRequest, detail: string): AppendOutcome {
  return { answers: submissions.map(() => refused('unavailable', detail, 0n)) };
}

function requestBytes({ group, submissions }: AppendRequest): number {
  let bytes = group.length;
  for (const { payload, welcomes = [] } of submissions) {
    bytes += payload.length + 128;
    for (const welcome of welcomes) bytes += welcome.payload.length;
  }
  return bytes;
}
