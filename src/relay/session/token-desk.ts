import type { Clock } from '../../base/clock.ts';
import { AuthError, TransportError } from '../../base/errors.ts';
import type { ServerFrameInit } from '../../transport/index.ts';
import { RateGate } from '../access/index.ts';
import type { AccessControl, AccountShare, Principal } from '../access/index.ts';
import { ConnectionRefusal } from './connection-refusal.ts';

/** The connection, as its token sees it. */
export interface TokenDeskOutlet {
  send(frame: ServerFrameInit): void;
  /** A fresh token holds, and may allow less than the one before. */
  renewed(): void;
  /** The token has ended, or its API key was withdrawn. The last call. */
  ended(why: string): void;
  /** A mistake of ours. */
  failed(error: unknown): void;
}

/** Who is at the other end of a connection, and how fast it may publish. */
export interface Sender {
  readonly principal: Principal;
  readonly rates: RateGate;
  /** What it shares with the other connections of its account. */
  readonly share: AccountShare;
}

/** Tokens that wait to be verified. A client sends one and then waits for the answer. */
const MAX_WAITING = 4;
/** Longer waits overflow the timers of node, which then fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * The token of one connection: whom it speaks for, until when, and what takes its place.
 *
 * A token is compared with the wall clock once, when it is verified. From then on its time is counted down, so that a
 * clock that is put forward by an hour does not throw out everybody, and one that is put back lets nobody stay longer.
 */
export class TokenDesk {
  readonly #access: AccessControl;
  readonly #clock: Clock;
  readonly #outlet: TokenDeskOutlet;
  #sender: Sender | undefined;
  #waiting = 0;
  /** Tokens are verified one after the other. */
  #last: Promise<void> = Promise.resolve();
  #cancelExpiry: () => void = () => undefined;
  #forgetKey: () => void = () => undefined;
  #isClosed = false;

  constructor(access: AccessControl, clock: Clock, outlet: TokenDeskOutlet) {
    this.#access = access;
    this.#clock = clock;
    this.#outlet = outlet;
  }

  /** `undefined` before {@link TokenDesk.open} has resolved. */
  get sender(): Sender | undefined {
    return this.#sender;
  }

  /**
   * Verifies the token that the call came with. Rejects as {@link Authenticator.authenticate} does, and with a
   * {@link ConnectionRefusal} `limit` if its account has too many connections.
   */
  async open(token: string | undefined): Promise<void> {
    const principal = await this.#authenticate(token);
    if (this.#isClosed) return;
    const share = this.#access.acquire(principal.account);
    if (share === undefined) throw new ConnectionRefusal('limit', 'the account has too many connections to this relay');
    this.#hold({ principal, rates: new RateGate(this.#access.connectionRate(), share.rate), share });
  }

  /** Verifies a token that is to take the place of the one that holds, and answers. @throws {@link ConnectionRefusal} */
  renew(token: string): void {
    if (this.#waiting >= MAX_WAITING) throw new ConnectionRefusal('limit', 'too many tokens at once');
    this.#waiting += 1;
    this.#last = this.#last
      .then(() => this.#renew(token))
      .catch((error: unknown) => this.#outlet.failed(error))
      .finally(() => (this.#waiting -= 1));
  }

  /** No token is waited for or watched any more. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelExpiry();
    this.#forgetKey();
    if (this.#sender !== undefined) this.#access.release(this.#sender.principal.account);
  }

  async #renew(token: string): Promise<void> {
    let principal;
    try {
      principal = await this.#authenticate(token);
    } catch (error) {
      if (error instanceof AuthError || error instanceof TransportError) this.#refuse(error.message);
      else throw error;
      return;
    }
    const sender = this.#sender;
    if (this.#isClosed || sender === undefined) return;
    if (principal.account !== sender.principal.account) {
      this.#refuse('the token is of another account than the connection');
      return;
    }
    this.#hold({ ...sender, principal });
    this.#outlet.renewed();
    const value = { tokenExpiresAtMs: BigInt(principal.expiresAtMs), clockMs: BigInt(this.#clock.now()) };
    this.#outlet.send({ case: 'authenticated', value });
  }

  #refuse(detail: string): void {
    if (!this.#isClosed) this.#outlet.send({ case: 'authenticationRefused', value: { detail } });
  }

  async #authenticate(token: string | undefined): Promise<Principal> {
    const principal = await this.#access.authenticator.authenticate(token);
    if (this.#access.withdrawn.has(principal.keyId)) {
      throw new AuthError('auth_failed', 'the API key of the token was withdrawn');
    }
    return principal;
  }

  #hold(sender: Sender): void {
    const { keyId, validForMs } = sender.principal;
    this.#sender = sender;
    this.#cancelExpiry();
    this.#countDown(validForMs);
    this.#forgetKey();
    this.#forgetKey = this.#access.withdrawn.hold(keyId, () =>
      this.#outlet.ended('the API key of the token was withdrawn'),
    );
  }

  #countDown(leftMs: number): void {
    const nextMs = Math.min(leftMs, MAX_TIMER_MS);
    this.#cancelExpiry = this.#clock.schedule(nextMs, () => {
      if (leftMs > nextMs) this.#countDown(leftMs - nextMs);
      else this.#outlet.ended('token expired');
    });
  }
}
