import type { Context } from '../context.ts';
import type { Caller } from '../keys/credentials.ts';
import type { KeyIdentities } from '../keys/key-identities.ts';
import type { UsageCounter } from '../usage/usage-counter.ts';
import type { TokenSigner } from './token-signer.ts';

/** How long a token holds. */
export const TOKEN_LIFE_MS: number = 60 * 60 * 1000;

/** Exchanges credentials for the short-lived tokens that relays take. */
export class Tokens {
  readonly #context: Context;
  readonly #signer: TokenSigner;
  readonly #identities: KeyIdentities;
  readonly #counter: UsageCounter;

  constructor(context: Context, signer: TokenSigner, identities: KeyIdentities, counter: UsageCounter) {
    this.#context = context;
    this.#signer = signer;
    this.#identities = identities;
    this.#counter = counter;
  }

  /**
   * A token for the caller, with the plan that the account has now.
   *
   * @param identity of the agent that uses the key; the key is bound to it, so that revoking the agent ends the key
   */
  async exchange(caller: Caller, identity: Uint8Array | undefined): Promise<string> {
    if (identity !== undefined) await this.#identities.bind(caller, identity);
    const nowMs = this.#context.clock.now();
    const iat = Math.floor(nowMs / 1000);
    const token = await this.#signer.sign({
      sub: caller.account,
      plan: caller.plan,
      key_id: caller.keyId,
      iat,
      exp: iat + TOKEN_LIFE_MS / 1000,
    });
    this.#counter.count(caller.account, nowMs);
    return token;
  }
}
