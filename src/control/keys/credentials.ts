import { planState } from '../billing/plan-row.ts';
import type { PlanRow } from '../billing/plan-row.ts';
import type { Context } from '../context.ts';
import { Refusal } from '../refusal.ts';
import type { TokenSigner } from '../tokens/token-signer.ts';
import { parseApiKey } from './api-key.ts';
import type { KeyTools } from './api-keys.ts';
import type { KeyUse } from './key-use.ts';

/** Who makes a request. */
export interface Caller {
  readonly account: string;
  /** The API key that the request carries, or from which its token was made. */
  readonly keyId: string;
  /** The plan that the account has now. */
  readonly plan: string;
}

/** A refusal of credentials, which the rate limit counts. */
export class CredentialsRefused extends Refusal {
  constructor(text: string) {
    super(401, text, 'auth_failed');
  }
}

interface CredentialRow extends PlanRow {
  readonly id: string;
  readonly account: string;
  readonly hash: string;
  readonly revoked_at: number | null;
}

const COLUMNS = `api_keys.id, api_keys.account, api_keys.hash, api_keys.revoked_at,
  accounts.plan, accounts.billing_status, accounts.period_end, accounts.cancel_at_period_end`;
const BY_LOOKUP = `SELECT ${COLUMNS} FROM api_keys JOIN accounts ON accounts.id = api_keys.account WHERE api_keys.lookup = ?`;
const BY_ID = `SELECT ${COLUMNS} FROM api_keys JOIN accounts ON accounts.id = api_keys.account WHERE api_keys.id = ?`;

/** What credentials are judged with. */
export interface CredentialTools extends KeyTools {
  readonly signer: TokenSigner;
  readonly use: KeyUse;
}

/** Tells who makes a request, by an API key or by a token that was made from one. */
export class Credentials {
  readonly #context: Context;
  readonly #tools: CredentialTools;

  constructor(context: Context, tools: CredentialTools) {
    this.#context = context;
    this.#tools = tools;
  }

  /**
   * Who this is. Each time the key's row is read: a key that was revoked is refused at once, on every process.
   *
   * @param authorization the header
   * @param mayHash whether a key may be hashed that was not used before; without it such a key is refused with 429
   * @throws {@link CredentialsRefused} 401
   */
  async caller(authorization: string | undefined, mayHash: boolean): Promise<Caller> {
    if (authorization === undefined || authorization === '') {
      throw new CredentialsRefused('missing authorization header');
    }
    const credential = /^Bearer +([\x21-\x7e]+)$/i.exec(authorization)?.[1];
    if (credential === undefined) throw new CredentialsRefused('expected the authorization header to be Bearer …');
    const row = credential.startsWith('eyJ') ? await this.#byToken(credential) : await this.#byKey(credential, mayHash);
    const { clock, plans } = this.#context;
    this.#tools.use.note(row.id, clock.now());
    return { account: row.account, keyId: row.id, plan: plans.planAt(planState(row), clock.now()) };
  }

  async #byKey(text: string, mayHash: boolean): Promise<CredentialRow> {
    const { mode, hasher, verified } = this.#tools;
    const refused = (): CredentialsRefused => new CredentialsRefused('invalid or revoked api key');
    const key = parseApiKey(text, mode);
    if (key === undefined) throw refused();
    const row = await this.#context.database.first<CredentialRow>(BY_LOOKUP, key.lookup);
    if (row?.revoked_at !== null) throw refused();
    if (verified.has(key.text, row.hash)) return row;
    if (!mayHash) throw new Refusal(429, 'too many failed authentications from this address', 'rate_limited', 60);
    if (!(await hasher.verify(key.text, row.hash))) throw refused();
    verified.add(key.text, row.hash);
    // Hashing takes a while: it may have been revoked meanwhile.
    return this.#current(row.id, refused);
  }

  async #byToken(token: string): Promise<CredentialRow> {
    const refused = (): CredentialsRefused => new CredentialsRefused('invalid or expired token');
    const claims = await this.#tools.signer.verify(token, this.#context.clock.now());
    const keyId = claims?.['key_id'];
    if (typeof keyId !== 'string') throw refused();
    const row = await this.#current(keyId, refused);
    if (row.account !== claims?.sub) throw refused();
    return row;
  }

  async #current(keyId: string, refused: () => CredentialsRefused): Promise<CredentialRow> {
    const row = await this.#context.database.first<CredentialRow>(BY_ID, keyId);
    if (row?.revoked_at !== null) throw refused();
    return row;
  }
}
