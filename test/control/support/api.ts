import { createHash, randomBytes } from 'node:crypto';

/** What the server has answered. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed, if it is JSON. */
  readonly body: unknown;
}

/** A caller of the API, with credentials or without. */
export class Api {
  readonly #endpoint: string;
  readonly #credential: string | undefined;

  constructor(endpoint: string, credential?: string) {
    this.#endpoint = endpoint;
    this.#credential = credential;
  }

  as(credential: string | undefined): Api {
    return new Api(this.#endpoint, credential);
  }

  get(path: string, signal?: AbortSignal): Promise<Answer> {
    return this.send('GET', path, undefined, signal);
  }

  post(path: string, body?: unknown): Promise<Answer> {
    return this.send('POST', path, body);
  }

  delete(path: string): Promise<Answer> {
    return this.send('DELETE', path);
  }

  async send(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Answer> {
    const response = await fetch(`${this.#endpoint}${path}`, {
      method,
      headers: {
        ...(this.#credential === undefined ? {} : { authorization: `Bearer ${this.#credential}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : parse(text) };
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export const base64 = (value: string | Uint8Array): string => Buffer.from(value).toString('base64');

/** An invite as a member makes it, with what it keeps to itself. */
export interface TestInvite {
  readonly id: string;
  readonly redeemKey: string;
  readonly body: object;
}

/** An invite as a member makes it. */
export function newInvite(channel: string, more: object = {}): TestInvite {
  const redeemKey = randomBytes(32);
  const id = randomBytes(16).toString('base64url');
  return {
    redeemKey: base64(redeemKey),
    id,
    body: {
      channel,
      id,
      verifier: createHash('sha256').update(redeemKey).digest('base64'),
      record: base64('a record'),
      ...more,
    },
  };
}

/** A join request for such an invite. */
export function newJoin(channel: string, invite: TestInvite, identity: string, more: object = {}): object {
  return {
    channel,
    invite_id: invite.id,
    redeem_key: invite.redeemKey,
    identity: base64(identity),
    key_package: base64(`key package of ${identity}`),
    proof: base64(`proof of ${identity}`),
    ...more,
  };
}
