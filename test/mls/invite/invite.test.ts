import { createHash, createHmac, createPublicKey, createPrivateKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  createMlsEngine,
  deriveInviteKeys,
  formatInviteToken,
  inviteIdText,
  parseInviteToken,
  proveJoin,
  signInvite,
  verifyJoin,
} from '../../../src/mls/index.ts';
import type { InviteTerms, JoinEvidence, MlsEngine } from '../../../src/mls/index.ts';
import { isSignedBy, readInviteRecord } from '../../../src/mls/invite/invite-record.ts';
import { provesJoin, readJoinProof } from '../../../src/mls/invite/join-proof.ts';
import { groupMembers } from '../../../src/mls/members.ts';
import { Agent, CHANNEL, gather, NOW, utf8 } from '../agents.ts';

const TOKEN = { id: new Uint8Array(16).fill(1), secret: new Uint8Array(32).fill(2) };
/** Put together by hand: version 1, the id, the secret, and the beginning of the SHA-256 of all that. */
const PLAIN = Buffer.concat([Buffer.of(1), Buffer.alloc(16, 1), Buffer.alloc(32, 2)]);
const TEXT = `skt_inv_${Buffer.concat([PLAIN, createHash('sha256').update(PLAIN).digest().subarray(0, 4)]).toString('base64url')}`;

describe('a token', () => {
  it('is its version, id, secret and checksum', () => {
    expect(formatInviteToken(TOKEN)).toBe(TEXT);
    expect(parseInviteToken(TEXT)).toEqual(TOKEN);
    expect(inviteIdText(TOKEN.id)).toHaveLength(22);
  });

  it('is refused with any one character changed, left out or doubled, and never repeated', () => {
    for (let at = 0; at < TEXT.length; at += 1) {
      const [before, here, after] = [TEXT.slice(0, at), TEXT.charAt(at), TEXT.slice(at + 1)];
      for (const damaged of [
        `${before}${here === 'A' ? 'B' : 'A'}${after}`,
        before + after,
        before + here + here + after,
      ]) {
        // Leaving out or doubling one of several equal characters in a row may change nothing but the length.
        expect(() => parseInviteToken(damaged), damaged).toThrow(
          expect.objectContaining({ code: 'invite_invalid' }) as Error,
        );
        expect(() => parseInviteToken(damaged)).not.toThrow(damaged.slice(8));
      }
    }
  });

  it('of a newer version is named as such', () => {
    const newer = Buffer.concat([Buffer.of(2), Buffer.alloc(60)]);
    expect(() => parseInviteToken(`skt_inv_${newer.toString('base64url')}`)).toThrow('newer version');
  });

  it('leads to keys by HKDF-SHA-256, and the verifier tells nothing but the redeem key', () => {
    const { redeemKey, verifier, publicKey, privateKey } = deriveInviteKeys(TOKEN);
    // RFC 5869, by hand: one block is enough.
    const pseudorandomKey = createHmac('sha256', TOKEN.id).update(TOKEN.secret).digest();
    const expand = (label: string): Buffer =>
      createHmac('sha256', pseudorandomKey).update(label).update(Buffer.of(1)).digest();
    expect(Buffer.from(redeemKey)).toEqual(expand('skytale invite 1 redeem'));
    expect(Buffer.from(privateKey)).toEqual(expand('skytale invite 1 signature'));
    expect(Buffer.from(verifier)).toEqual(createHash('sha256').update(redeemKey).digest());
    // The seed of RFC 8032 in PKCS #8 (RFC 8410).
    const der = Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), privateKey]);
    const { x } = createPublicKey(createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })).export({
      format: 'jwk',
    });
    expect(Buffer.from(publicKey).toString('base64url')).toBe(x);
  });
});

/** alice and bob are in; carol has a token of alice's. */
async function world(engine?: MlsEngine) {
  const used = engine ?? (await createMlsEngine());
  const [alice, bob, carol] = [
    await Agent.named('alice', used),
    await Agent.named('bob', used),
    await Agent.named('carol', used),
  ];
  await gather(alice, bob);
  const keys = deriveInviteKeys(TOKEN);
  const terms: InviteTerms = {
    channel: CHANNEL,
    groupId: alice.group.groupId,
    inviteId: TOKEN.id,
    publicKey: keys.publicKey,
    approval: 'automatic',
    admit: 'members',
    maxUses: 3,
    expiresAtMs: NOW + 3_600_000,
    issuer: alice.keys.identity,
  };
  const { keyPackage } = await carol.keyPackage();
  const identity = utf8('carol');
  const claim = { channel: CHANNEL, inviteId: TOKEN.id, identity, keyPackage };
  const evidence: JoinEvidence = {
    inviteId: inviteIdText(TOKEN.id),
    inviteRecord: await signInvite(used, alice.keys, terms),
    identity,
    keyPackage,
    proof: await proveJoin(keys.privateKey, claim, NOW),
  };
  const group = { channel: CHANNEL, groupId: bob.group.groupId, members: groupMembers(bob.group) };
  const check = (changed: Partial<JoinEvidence> = {}, nowMs = NOW) =>
    verifyJoin(used, group, { ...evidence, ...changed }, nowMs);
  return { engine: used, alice, bob, carol, keys, terms, claim, evidence, group, check };
}

describe('a request', () => {
  it('is what it seems, in either suite', async () => {
    for (const suite of [
      'MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519',
      'MLS_128_DHKEMP256_AES128GCM_SHA256_P256',
    ] as const) {
      const { check, terms } = await world(await createMlsEngine({ suite }));
      const verified = await check();
      expect(verified.terms).toEqual(terms);
      expect(verified.madeAtMs).toBe(NOW);
    }
  });

  it('is refused with any byte of record or proof changed, and when they are cut short', async () => {
    const { evidence, check } = await world();
    for (const part of ['inviteRecord', 'proof'] as const) {
      const whole = evidence[part];
      for (let at = 0; at < whole.length; at += 1) {
        const damaged = whole.slice();
        damaged[at] = (damaged[at] ?? 0) ^ 0x10;
        await expect(check({ [part]: damaged }), `${part} ${at}`).rejects.toMatchObject({ code: 'mls_error' });
        if (at % 9 === 0) {
          await expect(check({ [part]: whole.slice(0, at) })).rejects.toMatchObject({ code: 'mls_error' });
        }
      }
      await expect(check({ [part]: Uint8Array.of(...whole, 0) })).rejects.toMatchObject({ code: 'mls_error' });
    }
  });

  it('is refused for what it is', async () => {
    const { alice, bob, carol, engine, terms, keys, claim, evidence, group, check } = await world();
    const sign = (changed: Partial<InviteTerms>, by = alice): Promise<Uint8Array> =>
      signInvite(engine, by.keys, { ...terms, ...changed });
    const foreign = (await carol.keyPackage()).keyPackage;
    const dave = await Agent.named('dave', engine);
    const ofDave = (await dave.keyPackage()).keyPackage;
    const otherChannel = 'acme/research/elsewhere' as typeof CHANNEL;
    const refusals: [Promise<unknown>, string][] = [
      [check({ keyPackage: foreign }), 'not made by a holder'],
      [check({ identity: utf8('dave') }), 'not made by a holder'],
      [check({ inviteId: inviteIdText(new Uint8Array(16)) }), 'another id'],
      [check({ inviteRecord: await sign({ channel: otherChannel }) }), 'another channel'],
      [check({ inviteRecord: await sign({ groupId: new Uint8Array(32) }) }), 'another channel'],
      [check({ inviteRecord: await sign({ issuer: utf8('dave') }, dave) }), 'no member any more'],
      [check({ inviteRecord: await sign({}, bob) }), 'not made by a member'],
      [check({ inviteRecord: await sign({ publicKey: new Uint8Array(32) }) }), 'not made by a holder'],
      [check({}, NOW + 3_600_000), 'has expired'],
      [check({}, NOW - 11 * 60_000), 'from the future'],
      [
        check({ keyPackage: ofDave, proof: await proveJoin(keys.privateKey, { ...claim, keyPackage: ofDave }, NOW) }),
        'another identity',
      ],
      [verifyJoin(engine, { ...group, members: group.members.slice(1) }, evidence, NOW), 'no member any more'],
    ];
    for (const [refusal, reason] of refusals) await expect(refusal).rejects.toThrow(reason);
    const garbage = utf8('garbage');
    const proof = await proveJoin(keys.privateKey, { ...claim, keyPackage: garbage }, NOW);
    await expect(check({ keyPackage: garbage, proof })).rejects.toMatchObject({ code: 'invalid_key_package' });
  });

  it('says the same of the same in parts', async () => {
    const { engine, alice, bob, evidence, keys, claim } = await world();
    const record = readInviteRecord(evidence.inviteRecord);
    expect(await isSignedBy(engine, record, alice.keys.signaturePublicKey)).toBe(true);
    expect(await isSignedBy(engine, record, bob.keys.signaturePublicKey)).toBe(false);
    expect(await isSignedBy(engine, record, new Uint8Array(3))).toBe(false);
    const proof = readJoinProof(evidence.proof);
    expect(await provesJoin(keys.publicKey, claim, proof)).toBe(true);
    expect(await provesJoin(keys.publicKey, claim, { ...proof, madeAtMs: NOW + 1 })).toBe(false);
    expect(await provesJoin(new Uint8Array(32).fill(0xff), claim, proof)).toBe(false);
  });
});
