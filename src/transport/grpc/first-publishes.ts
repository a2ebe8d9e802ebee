import { TransportError } from '../../base/errors.ts';
import type { SkytaleError } from '../../base/errors.ts';
import type { PublishAnswer } from '../relay-transport.ts';
import type { RelaySession } from './session.ts';

type Publish = (session: RelaySession) => Promise<readonly PublishAnswer[]>;

interface WaitingPublish {
  readonly publish: Publish;
  readonly resolve: (answers: Promise<readonly PublishAnswer[]>) => void;
  readonly reject: (error: SkytaleError) => void;
}

/** Publishes that may wait for the first connection. */
const CAPACITY = 256;

/**
 * Publishes that were called before the first attempt to connect has ended: they wait for its outcome, so that the
 * first `publish` of a fresh transport works. After a loss nothing waits: the sender must read the log before it sends.
 */
export class FirstPublishes {
  readonly #waiting: WaitingPublish[] = [];
  #isOpen = true;

  /** Whether the first attempt is still to come, or under way. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** @throws TransportError `limit_exceeded` if too many wait already. */
  wait(publish: Publish): Promise<readonly PublishAnswer[]> {
    if (this.#waiting.length >= CAPACITY) {
      return Promise.reject(new TransportError('limit_exceeded', 'too many publishes wait for the first connection'));
    }
    return new Promise((resolve, reject) => this.#waiting.push({ publish, resolve, reject }));
  }

  release(session: RelaySession): void {
    this.#isOpen = false;
    for (const { publish, resolve } of this.#waiting.splice(0)) resolve(publish(session));
  }

  fail(cause: SkytaleError): void {
    this.#isOpen = false;
    for (const { reject } of this.#waiting.splice(0)) {
      reject(new TransportError('connection_error', 'there is no connection to the relay', { cause }));
    }
  }
}
