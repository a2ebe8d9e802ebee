import type { Clock } from '../../base/clock.ts';
import { AuthError, TransportError } from '../../base/errors.ts';
import { statedLifeMs } from './stated-life.ts';

/** Where tokens come from, and how long that may take. */
export interface TokenSourceOptions {
  readonly clock: Clock;
  readonly ask: () => Promise<string | undefined>;
  readonly timeoutMs: number;
}

/** A token to connect with. */
export interface OfferedToken {
  readonly token: string | undefined;
  /** Whether it was asked for just now: if the relay does not take it, another one will not help. */
  readonly isFresh: boolean;
}

/** A token is used for further connections in this share of its life; then there is time left to renew it on the stream. */
const REUSED_SHARE = 0.8;

/** Keeps a token at hand for as long as it says that it is good, so that a reconnect costs the control plane nothing. */
export class TokenSource {
  readonly #options: TokenSourceOptions;
  #held: { readonly token: string; readonly fromMs: number; readonly untilMs: number } | undefined;
  #asking: Promise<string | undefined> | undefined;
  #cancelTimeout: () => void = () => undefined;

  constructor(options: TokenSourceOptions) {
    this.#options = options;
  }

  /** The token at hand if it is good for a while, else a fresh one. Throws as {@link TokenSource.fresh} does. */
  async get(): Promise<OfferedToken> {
    const nowMs = this.#options.clock.now();
    const held = this.#held;
    // A clock that was set back says nothing about the token's age.
    if (held !== undefined && held.fromMs <= nowMs && nowMs < held.untilMs)
      return { token: held.token, isFresh: false };
    return { token: await this.fresh(), isFresh: true };
  }

  /**
   * Asks for a token. Who asks while somebody else does gets the same one.
   *
   * @throws {@link TransportError} `connection_error` if none came in time, {@link AuthError} `auth_failed` for one that
   * cannot be sent, and what the port rejects with
   */
  fresh(): Promise<string | undefined> {
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  /** The relay does not take the token at hand. */
  discard(): void {
    this.#held = undefined;
  }

  /** Leaves no timer behind. Who waits is not answered any more. */
  close(): void {
    this.#cancelTimeout();
    this.#held = undefined;
  }

  async #ask(): Promise<string | undefined> {
    const { clock, ask, timeoutMs } = this.#options;
    const timeout = new Promise<never>((_, reject) => {
      this.#cancelTimeout = clock.schedule(timeoutMs, () => {
        reject(new TransportError('connection_error', `no token came within ${timeoutMs} ms`));
      });
    });
    try {
      const token = await Promise.race([ask(), timeout]);
      this.#hold(token);
      return token;
    } finally {
      this.#cancelTimeout();
    }
  }

  #hold(token: string | undefined): void {
    this.#held = undefined;
    if (token === undefined) return;
    // grpc-js would refuse it too, with the token in its message.
    if (!/^[\x21-\x7e]+$/.test(token)) {
      throw new AuthError('auth_failed', 'the token holds characters that no token has');
    }
    const fromMs = this.#options.clock.now();
    const lifeMs = statedLifeMs(token, fromMs);
    if (lifeMs !== undefined) this.#held = { token, fromMs, untilMs: fromMs + lifeMs * REUSED_SHARE };
  }
}
