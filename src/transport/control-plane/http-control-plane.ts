import type { ChannelName } from '../../base/channel-name.ts';
import { type Answer, readAnswer } from './answer.ts';
import {
  readChannel,
  readInvite,
  readPending,
  readProgress,
  readRemoval,
  readRevocation,
  readUsage,
} from './answers.ts';
import { type ApiCall, type ApiOptions, callApi } from './api-call.ts';
import { checkApiUrl } from './api-url.ts';
import { checkApiKey } from './api-key.ts';
import type {
  Admission,
  ClaimOptions,
  ControlPlane,
  InviteSubmission,
  JoinStatus,
  JoinSubmission,
  RevocationSubmission,
  WaitOptions,
} from './control-plane.ts';
import { exchangeToken } from './token-exchange.ts';

/** Most items of a list that one answer holds. */
const MAX_INVITES = 100_000;
const MAX_REQUESTS = 256;
const MAX_REMOVALS = 10_000;

/**
 * The control plane over HTTP, on the account of an API key. Nothing is sent before the first call, and nothing is kept open.
 *
 * @throws {@link AuthError} `auth_key_invalid`; {@link RuntimeError} `invalid_argument` for an `apiUrl` that is none
 */
export function connectControlPlane(options: ApiOptions): ControlPlane {
  checkApiKey(options.apiKey);
  checkApiUrl(options.apiUrl);
  return new HttpControlPlane(options);
}

class HttpControlPlane implements ControlPlane {
  readonly #options: ApiOptions;

  constructor(options: ApiOptions) {
    this.#options = options;
  }

  async createChannel(name: ChannelName, identity?: Uint8Array, signal?: AbortSignal) {
    const body = { name, ...(identity && { identity: base64(identity) }) };
    return readChannel(await this.#ask({ method: 'POST', path: '/v1/channels', body, signal }));
  }

  async createInvite(invite: InviteSubmission, signal?: AbortSignal) {
    const body = {
      channel: invite.channel,
      id: invite.id,
      verifier: base64(invite.verifier),
      record: base64(invite.record),
      max_uses: invite.maxUses,
      ttl_seconds: invite.ttlSeconds,
      approval: invite.approval,
    };
    return readInvite(await this.#ask({ method: 'POST', path: '/v1/channels/invites', body, signal }));
  }

  async listInvites(channel: ChannelName, signal?: AbortSignal) {
    const answer = await this.#ask({ method: 'GET', path: '/v1/channels/invites', query: { channel }, signal });
    return answer.list('invites', MAX_INVITES, readInvite);
  }

  async revokeInvite(id: string, signal?: AbortSignal) {
    await this.#tell({ method: 'DELETE', path: `/v1/channels/invites/${encodeURIComponent(id)}`, signal });
  }

  async requestJoin(request: JoinSubmission, signal?: AbortSignal) {
    const body = {
      channel: request.channel,
      invite_id: request.inviteId,
      redeem_key: base64(request.redeemKey),
      identity: base64(request.identity),
      key_package: base64(request.keyPackage),
      proof: base64(request.proof),
    };
    return readProgress(await this.#ask({ method: 'POST', path: '/v1/channels/join', body, signal }));
  }

  async joinStatus(requestId: string, options: WaitOptions<JoinStatus> = {}) {
    return readProgress(await this.#wait(`/v1/channels/join/${encodeURIComponent(requestId)}`, options));
  }

  async cancelJoin(requestId: string, signal?: AbortSignal) {
    await this.#tell({ method: 'DELETE', path: `/v1/channels/join/${encodeURIComponent(requestId)}`, signal });
  }

  async pending(channel: ChannelName, signal?: AbortSignal) {
    const answer = await this.#ask({ method: 'GET', path: '/v1/channels/pending', query: { channel }, signal });
    return answer.list('requests', MAX_REQUESTS, readPending);
  }

  async claim(channel: ChannelName, { limit, ids }: ClaimOptions = {}, signal?: AbortSignal) {
    const body = { channel, ...(limit !== undefined && { limit }), ...(ids && { ids }) };
    const answer = await this.#ask({ method: 'POST', path: '/v1/channels/pending/claim', body, signal });
    return answer.list('requests', MAX_REQUESTS, readPending);
  }

  async admit(requestId: string, { epoch, seq }: Admission, signal?: AbortSignal) {
    await this.#decide(requestId, 'admit', { epoch: Number(epoch), seq }, signal);
  }

  async deny(requestId: string, reason: string, signal?: AbortSignal) {
    await this.#decide(requestId, 'deny', { reason }, signal);
  }

  async release(requestId: string, signal?: AbortSignal) {
    await this.#decide(requestId, 'release', {}, signal);
  }

  async revoke(revocation: RevocationSubmission, signal?: AbortSignal) {
    const body = {
      identity: base64(revocation.identity),
      reason: revocation.reason,
      requested_by: base64(revocation.requestedBy),
      signature: base64(revocation.signature),
    };
    return readRevocation(await this.#ask({ method: 'POST', path: '/v1/revocations', body, signal }));
  }

  async revocation(id: string, options: WaitOptions<number> = {}) {
    return readRevocation(await this.#wait(`/v1/revocations/${encodeURIComponent(id)}`, options));
  }

  async removals(channel: ChannelName, signal?: AbortSignal) {
    const answer = await this.#ask({ method: 'GET', path: '/v1/channels/removals', query: { channel }, signal });
    return answer.list('removals', MAX_REMOVALS, readRemoval);
  }

  async removalDone(id: string, signal?: AbortSignal) {
    const path = `/v1/channels/removals/${encodeURIComponent(id)}/done`;
    await this.#tell({ method: 'POST', path, body: {}, signal });
  }

  async usage(signal?: AbortSignal) {
    return readUsage(await this.#ask({ method: 'GET', path: '/v1/usage', signal }));
  }

  token(identity?: Uint8Array, signal?: AbortSignal) {
    return exchangeToken({ ...this.#options, ...(identity && { identity }), ...(signal && { signal }) });
  }

  #decide(id: string, verdict: string, body: unknown, signal: AbortSignal | undefined): Promise<void> {
    return this.#tell({
      method: 'POST',
      path: `/v1/channels/pending/${encodeURIComponent(id)}/${verdict}`,
      body,
      signal,
    });
  }

  #wait(path: string, { waitSeconds = 0, since, signal }: WaitOptions<JoinStatus | number>): Promise<Answer> {
    const query = { wait_seconds: String(waitSeconds), ...(since !== undefined && { since: String(since) }) };
    return this.#ask({ method: 'GET', path, query, waitMs: waitSeconds * 1000, signal });
  }

  async #ask(call: ApiCall): Promise<Answer> {
    return readAnswer(await callApi(call, this.#options));
  }

  /** For calls of which nothing is to be read but that they have worked. */
  async #tell(call: ApiCall): Promise<void> {
    await callApi(call, this.#options);
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
