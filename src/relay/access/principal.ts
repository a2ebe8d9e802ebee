declare const accountId: unique symbol;

/** Names an account: the `sub` of its tokens, 1 to 128 printable ASCII characters. Not a secret, but never in metrics. */
export type AccountId = string & { readonly [accountId]: true };

/** What a token may allow; without a `scope` claim it allows all. */
export type Scope = 'create' | 'read' | 'write' | 'commit';

/** Who is at the other end of a connection, as its token says. */
export interface Principal {
  readonly account: AccountId;
  /** Tier of the account: `free`, `pro`, `enterprise`, or what the operator has configured. */
  readonly plan: string;
  readonly scopes: ReadonlySet<Scope>;
  /** Messages in a calendar month, by the plan; `undefined` for any number. */
  readonly messagesPerMonth: number | undefined;
  /** The API key that the token was made for; `undefined` if it does not say. */
  readonly keyId: string | undefined;
  /** When the token ends, Unix ms. */
  readonly expiresAtMs: number;
  /** For how long, from its verification on, a connection may live on the token: what is left of it, and the leeway. */
  readonly validForMs: number;
}

/** Tells who a token belongs to. */
export interface Authenticator {
  /**
   * @throws {@link AuthError} `auth_failed` without a token, or for one that is expired, not yet valid, made by somebody
   * else or for somebody else. Never with the token in its message.
   * @throws {@link TransportError} `connection_error` if the keys to judge it by cannot be had just now.
   */
  authenticate(token: string | undefined): Promise<Principal>;
}
