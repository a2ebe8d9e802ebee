import { randomBytes } from 'node:crypto';
import type { ChannelName } from '../base/channel-name.ts';
import { checkInteger } from '../base/check.ts';
import type { Clock } from '../base/clock.ts';
import { AuthError, RuntimeError } from '../base/errors.ts';
import {
  type AdmitPolicy,
  type AgentKeys,
  deriveInviteKeys,
  formatInviteToken,
  inviteIdText,
  type MlsEngine,
  signInvite,
} from '../mls/index.ts';
import type { ApprovalPolicy, ControlPlane } from '../transport/index.ts';
import type { CallOptions } from '../actors/channel/index.ts';

/** Options of {@link ClientChannel.invite}. */
export interface InviteOptions extends CallOptions {
  /** Identities that may use it: 1 to 10 000. Default 1. One that has used it may use it again. */
  readonly maxUses?: number;
  /** How long it may be used, in seconds: 60 to 2 592 000, which are 30 days. Default 3 600. */
  readonly ttlSeconds?: number;
  /**
   * `automatic` (default): whoever shows the token is admitted by a member that is online. `manual`: members see the request
   * on {@link Channel.joinRequests$}, and one of them decides.
   */
  readonly approval?: ApprovalPolicy;
  /** Who may admit: any of the `members` (default), or the `issuer` alone, that is this agent. */
  readonly admit?: AdmitPolicy;
}

/** An invite that was made. */
export interface Invite {
  /** `skt_inv_…`: whoever has it can ask to join. Give it to nobody else, and not to the relay or the control plane. */
  readonly token: string;
  /** What it is called where the token must not be shown. */
  readonly id: string;
  /** Unix milliseconds. */
  readonly expiresAt: number;
  /** Ends it: requests that wait end with it, and nobody can use it any more. Who has joined by it stays. */
  revoke(options?: CallOptions): Promise<void>;
}

/** What an {@link Inviter} works with. */
export interface InviterPorts {
  readonly engine: MlsEngine;
  readonly keys: AgentKeys;
  readonly clock: Clock;
  readonly controlPlane: ControlPlane | undefined;
}

const MAX_USES = 10_000;
const MIN_TTL_SECONDS = 60;
const MAX_TTL_SECONDS = 30 * 24 * 3600;
/** The longest identity that the control plane takes, in bytes. */
export const MAX_REGISTERED_IDENTITY = 256;

/** Makes invites to one channel, under the keys of the agent. */
export class Inviter {
  readonly #ports: InviterPorts;
  readonly #channel: ChannelName;
  readonly #groupId: Uint8Array;

  constructor(ports: InviterPorts, channel: ChannelName, groupId: Uint8Array) {
    this.#ports = ports;
    this.#channel = channel;
    this.#groupId = groupId;
  }

  /** See {@link ClientChannel.invite}. */
  async invite(options: InviteOptions = {}): Promise<Invite> {
    const { engine, keys, clock } = this.#ports;
    const { signal } = options;
    signal?.throwIfAborted();
    const maxUses = checkInteger('maxUses', options.maxUses ?? 1, 1, MAX_USES);
    const ttlSeconds = checkInteger('ttlSeconds', options.ttlSeconds ?? 3600, MIN_TTL_SECONDS, MAX_TTL_SECONDS);
    const approval = checkWord('approval', options.approval ?? 'automatic', ['automatic', 'manual']);
    const admit = checkWord('admit', options.admit ?? 'members', ['issuer', 'members']);
    const controlPlane = requireControlPlane(this.#ports.controlPlane);
    // Both from the machine's own randomness: a seeded one must never make a secret.
    const token = { id: new Uint8Array(randomBytes(16)), secret: new Uint8Array(randomBytes(32)) };
    const { verifier, publicKey } = deriveInviteKeys(token);
    const id = inviteIdText(token.id);
    const record = await signInvite(engine, keys, {
      channel: this.#channel,
      groupId: this.#groupId,
      inviteId: token.id,
      publicKey,
      approval,
      admit,
      maxUses,
      expiresAtMs: Math.floor(clock.now()) + ttlSeconds * 1000,
      issuer: keys.identity,
    });
    // The first to invite may have made the channel before there was a control plane.
    await registerChannel(controlPlane, this.#channel, keys.identity, signal);
    const submission = { channel: this.#channel, id, verifier, record, maxUses, ttlSeconds, approval };
    const { expiresAtMs } = await controlPlane.createInvite(submission, signal);
    return {
      token: formatInviteToken(token),
      id,
      expiresAt: expiresAtMs,
      revoke: async (call) => {
        call?.signal?.throwIfAborted();
        await controlPlane.revokeInvite(id, call?.signal);
      },
    };
  }
}

/** Makes a channel known to the control plane, or finds that it is. */
export async function registerChannel(
  controlPlane: ControlPlane,
  channel: ChannelName,
  identity: Uint8Array,
  signal?: AbortSignal,
): Promise<void> {
  const isShort = identity.length <= MAX_REGISTERED_IDENTITY;
  await controlPlane.createChannel(channel, isShort ? identity : undefined, signal);
}

/** @throws {@link AuthError} `api_key_required` */
export function requireControlPlane(controlPlane: ControlPlane | undefined, what = 'invites'): ControlPlane {
  if (controlPlane !== undefined) return controlPlane;
  const needs = what === 'invites' ? 'need' : 'needs';
  throw new AuthError(
    'api_key_required',
    `${what} ${needs} a control plane: give the client an \`apiKey\` and an \`apiUrl\``,
  );
}

function checkWord<Word extends string>(name: string, value: Word, words: readonly Word[]): Word {
  if (words.includes(value)) return value;
  const list = words.map((word) => `'${word}'`).join(' or ');
  throw new RuntimeError('invalid_argument', `Expected \`${name}\` to be ${list}, got ${value}.`);
}
