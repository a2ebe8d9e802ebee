import {
  decodeMlsMessage,
  joinGroup as joinByLibrary,
  makePskIndex,
  processPrivateMessage,
  processPublicMessage,
} from 'ts-mls';
import type { ClientState } from 'ts-mls/clientState.js';
import type { CiphersuiteImpl } from 'ts-mls/crypto/ciphersuite.js';
import type { KeyPackage, PrivateKeyPackage } from 'ts-mls/keyPackage.js';
import { makeKeyPackageRef } from 'ts-mls/keyPackage.js';
import { decodeRatchetTree } from 'ts-mls/ratchetTree.js';
import type { PskIndex } from 'ts-mls/pskIndex.js';
import { CIPHER_SUITES } from '../../src/mls/cipher-suite.ts';
import { engineParts } from '../../src/mls/engine.ts';
import { stateOf, wrapState } from '../../src/mls/group-state.ts';
import { createMlsEngine, decodeGroup, encodeGroup, joinGroup, receiveMessage } from '../../src/mls/index.ts';
import type { MlsEngine } from '../../src/mls/index.ts';
import { decodeKeyPackageMessage } from '../../src/mls/key-package.ts';
import { encodeKeyPackageSecret } from '../../src/mls/key-package-secret.ts';
import { objectionToRatchetTree } from '../../src/mls/tree-validation.ts';
import type { Report } from './report.ts';
import type { Vector } from './vector.ts';
import { whole } from './whole.ts';

/** Later than any leaf of the vectors begins: with them, only an end of time is compared. */
const END_OF_TIME_SECONDS = 2n ** 63n;

/** Parts of the protocol that our groups do without, and what a refusal for one of them says, or its cause. */
const UNSUPPORTED: readonly (readonly [part: string, refusal: RegExp])[] = [
  ['pre-shared keys', /pre-shared keys are not supported|pskId/],
  ['a tree apart from the Welcome', /without the tree of the group/],
  ['extensions of the group', /extensions? |required_capabilities/],
];

/** The newcomer whose life a vector tells. */
interface Newcomer {
  readonly engine: MlsEngine;
  readonly suite: CiphersuiteImpl;
  readonly keyPackage: KeyPackage;
  readonly secret: PrivateKeyPackage;
}

/**
 * Joins by a Welcome and follows the commits of others. The group is stored and restored before every step.
 *
 * The vectors use parts of the protocol that our groups refuse (pre-shared keys, proposals by reference, a tree that comes
 * apart from the Welcome). The library's functions take those steps, with our provider and our check of the
 * tree; our own `joinGroup` and `receiveMessage` take all that are within our rules, and a note says what was not.
 */
export async function passiveClient(vector: Vector, suite: CiphersuiteImpl, report: Report): Promise<void> {
  const name = CIPHER_SUITES.find((known) => known === suite.name);
  const engine = await createMlsEngine(name === undefined ? {} : { suite: name });
  const keyPackage = decodeKeyPackageMessage(vector.bytes('key_package'));
  const secret: PrivateKeyPackage = {
    signaturePrivateKey: vector.bytes('signature_priv'),
    hpkePrivateKey: vector.bytes('encryption_priv'),
    initPrivateKey: vector.bytes('init_priv'),
  };
  const newcomer: Newcomer = { engine, suite, keyPackage, secret };
  await checkKeys(newcomer, report);
  const psks: Record<string, Uint8Array> = {};
  for (const psk of vector.children('external_psks')) {
    psks[Buffer.from(psk.bytes('psk_id')).toString('base64')] = psk.bytes('psk');
  }

  let state = restored(engine, await join(vector, newcomer, makePskIndex(undefined, psks)));
  const { groupContext, ratchetTree } = state;
  report.equal(
    'initial_epoch_authenticator',
    state.keySchedule.epochAuthenticator,
    vector.bytes('initial_epoch_authenticator'),
  );
  const parts = { ...engineParts(engine), crypto: suite };
  const objection = await objectionToRatchetTree(parts, ratchetTree, groupContext, END_OF_TIME_SECONDS);
  report.holds(`the tree can be joined${objection === undefined ? '' : `: ${objection}`}`, objection === undefined);
  await joinByOurRules(vector, newcomer, report);

  for (const [index, epoch] of vector.children('epochs').entries()) {
    const expected = epoch.bytes('epoch_authenticator');
    const proposals = epoch.list('proposals').map((text) => new Uint8Array(Buffer.from(String(text), 'hex')));
    await receiveByOurRules(engine, state, epoch.bytes('commit'), proposals.length, expected, report, `epoch ${index}`);
    for (const message of [...proposals, epoch.bytes('commit')]) {
      state = restored(engine, await follow(state, message, makePskIndex(state, psks), suite));
    }
    report.equal(`epoch ${index}: epoch_authenticator`, state.keySchedule.epochAuthenticator, expected);
  }
}

/** Whether the private keys are those of the key package. */
async function checkKeys({ suite, keyPackage, secret }: Newcomer, report: Report): Promise<void> {
  const { hpke, signature } = suite;
  const { leafNode, initKey } = keyPackage;
  const content = Uint8Array.of(1, 2, 3);
  const signed = await signature.sign(secret.signaturePrivateKey, content);
  report.holds('signature_priv', await signature.verify(leafNode.signaturePublicKey, content, signed));
  for (const [what, publicKey, privateKey] of [
    ['encryption_priv', leafNode.hpkePublicKey, secret.hpkePrivateKey],
    ['init_priv', initKey, secret.initPrivateKey],
  ] as const) {
    const sealed = await hpke.seal(await hpke.importPublicKey(publicKey), content, content);
    report.equal(
      what,
      await hpke.open(await hpke.importPrivateKey(privateKey), sealed.enc, sealed.ct, content),
      content,
    );
  }
}

async function join(vector: Vector, newcomer: Newcomer, psks: PskIndex): Promise<ClientState> {
  const { engine, suite, keyPackage, secret } = newcomer;
  const message = whole(decodeMlsMessage, vector.bytes('welcome'), 'welcome');
  if (message.wireformat !== 'mls_welcome') throw new Error(`The Welcome is a message of kind ${message.wireformat}.`);
  const tree = vector.has('ratchet_tree')
    ? whole(decodeRatchetTree, vector.bytes('ratchet_tree'), 'ratchet_tree')
    : undefined;
  return joinByLibrary(message.welcome, keyPackage, secret, psks, suite, tree, undefined, configOf(engine));
}

/** Our rules about credentials are not those of the vectors. */
function configOf(engine: MlsEngine): ClientState['clientConfig'] {
  return {
    ...engineParts(engine).config,
    authService: { validateCredential: () => Promise.resolve(true) },
  };
}

function restored(engine: MlsEngine, state: ClientState): ClientState {
  const stored = stateOf(decodeGroup(engine, encodeGroup(wrapState(state))));
  return { ...stored, clientConfig: configOf(engine) };
}

async function follow(
  state: ClientState,
  bytes: Uint8Array,
  psks: PskIndex,
  suite: CiphersuiteImpl,
): Promise<ClientState> {
  const message = whole(decodeMlsMessage, bytes, 'message');
  switch (message.wireformat) {
    case 'mls_private_message':
      return (await processPrivateMessage(state, message.privateMessage, psks, suite)).newState;
    case 'mls_public_message':
      return (await processPublicMessage(state, message.publicMessage, psks, suite)).newState;
    default:
      throw new Error(`A message of kind ${message.wireformat} is none of a group.`);
  }
}

async function joinByOurRules(vector: Vector, newcomer: Newcomer, report: Report): Promise<void> {
  const { engine, suite, keyPackage, secret } = newcomer;
  const { leafNode } = keyPackage;
  const { credential, signaturePublicKey } = leafNode;
  const request = {
    welcome: vector.bytes('welcome'),
    bundle: {
      ref: await makeKeyPackageRef(keyPackage, suite.hash),
      keyPackage: vector.bytes('key_package'),
      secret: encodeKeyPackageSecret(secret),
    },
    keys: {
      identity: credential.credentialType === 'basic' ? credential.identity : new Uint8Array(0),
      signaturePublicKey,
      signaturePrivateKey: secret.signaturePrivateKey,
    },
    // The vectors' leaves are of one age.
    nowMs: Number(leafNode.lifetime.notBefore) * 1000,
  };
  try {
    const group = await joinGroup(engine, request);
    const { epochAuthenticator } = stateOf(group).keySchedule;
    report.equal('joinGroup', epochAuthenticator, vector.bytes('initial_epoch_authenticator'));
  } catch (error) {
    report.note(`joinGroup does without ${unsupportedPart(error)}`);
  }
}

async function receiveByOurRules(
  engine: MlsEngine,
  state: ClientState,
  commit: Uint8Array,
  proposals: number,
  expected: Uint8Array,
  report: Report,
  epoch: string,
): Promise<void> {
  if (proposals > 0) {
    report.note('receiveMessage does without proposals by reference');
    return;
  }
  try {
    const { group } = await receiveMessage(engine, decodeGroup(engine, encodeGroup(wrapState(state))), commit);
    report.equal(`${epoch}: receiveMessage`, stateOf(group).keySchedule.epochAuthenticator, expected);
  } catch (error) {
    report.note(`receiveMessage does without ${unsupportedPart(error)}`);
  }
}

/** The part of the protocol for which our steps refused. Any other refusal is a failure. */
function unsupportedPart(error: unknown): string {
  const { message, cause } = error as Error;
  const said = `${message} ${cause instanceof Error ? cause.message : ''}`;
  const known = UNSUPPORTED.find(([, refusal]) => refusal.test(said));
  if (known === undefined) throw error;
  return known[0];
}
