import {
  createApplicationMessage,
  createCommit,
  createProposal,
  decodeMlsMessage,
  defaultCapabilities,
  emptyPskIndex,
  encodeMlsMessage,
  generateKeyPackage,
  getCiphersuiteFromName,
  getCiphersuiteImpl,
  joinGroup,
  makePskIndex,
  processMessage,
} from 'ts-mls';
import type { CiphersuiteImpl, CiphersuiteName, ClientState, KeyPackage, PrivateKeyPackage, Proposal } from 'ts-mls';
import { defined, utf8 } from './agents.ts';

const SUITE = 'MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519';
const LIFETIME = { notBefore: 0n, notAfter: 9n * 10n ** 9n };

/**
 * A member that is run by the library alone, with its own crypto and none of our rules: somebody else's software.
 * Its clock is the machine's.
 */
export class LibraryMember {
  readonly crypto: CiphersuiteImpl;
  readonly publicPackage: KeyPackage;
  readonly #privatePackage: PrivateKeyPackage;
  #state: ClientState | undefined;

  private constructor(crypto: CiphersuiteImpl, publicPackage: KeyPackage, privatePackage: PrivateKeyPackage) {
    this.crypto = crypto;
    this.publicPackage = publicPackage;
    this.#privatePackage = privatePackage;
  }

  static async named(
    name: string,
    notBeforeMs: number,
    suite: CiphersuiteName = SUITE,
    extensions: readonly number[] = [],
  ): Promise<LibraryMember> {
    const crypto = await getCiphersuiteImpl(getCiphersuiteFromName(suite));
    const notBefore = BigInt(notBeforeMs) / 1000n;
    const { publicPackage, privatePackage } = await generateKeyPackage(
      { credentialType: 'basic', identity: utf8(name) },
      { ...defaultCapabilities(), extensions: [...extensions] },
      { notBefore, notAfter: notBefore + 24n * 3600n },
      [],
      crypto,
    );
    return new LibraryMember(crypto, publicPackage, privatePackage);
  }

  get keyPackage(): Uint8Array {
    return encodeMlsMessage({ version: 'mls10', wireformat: 'mls_key_package', keyPackage: this.publicPackage });
  }

  get state(): ClientState {
    return defined(this.#state);
  }

  set state(state: ClientState) {
    this.#state = state;
  }

  async join(bytes: Uint8Array): Promise<void> {
    const message = defined(decodeMlsMessage(bytes, 0))[0];
    if (message.wireformat !== 'mls_welcome') throw new Error(message.wireformat);
    this.state = await joinGroup(message.welcome, this.publicPackage, this.#privatePackage, emptyPskIndex, this.crypto);
  }

  async send(bytes: Uint8Array, authenticatedData: Uint8Array): Promise<Uint8Array> {
    const { newState, privateMessage } = await createApplicationMessage(
      this.state,
      bytes,
      this.crypto,
      authenticatedData,
    );
    this.state = newState;
    return encodeMlsMessage({ version: 'mls10', wireformat: 'mls_private_message', privateMessage });
  }

  async receive(bytes: Uint8Array): Promise<Uint8Array | undefined> {
    const message = defined(decodeMlsMessage(bytes, 0))[0];
    if (message.wireformat !== 'mls_private_message' && message.wireformat !== 'mls_public_message') {
      throw new Error(message.wireformat);
    }
    const result = await processMessage(message, this.state, emptyPskIndex, () => 'accept', this.crypto);
    this.state = result.newState;
    return result.kind === 'applicationMessage' ? result.message : undefined;
  }

  /** A commit of these proposals that this member makes and goes along with, whatever others think of it. */
  async commit(
    extraProposals: Proposal[],
    wireAsPublicMessage: boolean,
  ): Promise<{ readonly commit: Uint8Array; readonly welcome: Uint8Array | undefined }> {
    const { commit, welcome, newState } = await createCommit(
      { state: this.state, cipherSuite: this.crypto, pskIndex: makePskIndex(this.state, { AQID: new Uint8Array(32) }) },
      { extraProposals, wireAsPublicMessage, ratchetTreeExtension: true },
    );
    this.state = newState;
    return {
      commit: encodeMlsMessage(commit),
      welcome: welcome && encodeMlsMessage({ version: 'mls10', wireformat: 'mls_welcome', welcome }),
    };
  }

  /** A proposal of this member that travels alone. */
  async propose(proposal: Proposal, isPublic: boolean): Promise<Uint8Array> {
    const { newState, message } = await createProposal(this.state, isPublic, proposal, this.crypto);
    this.state = newState;
    return encodeMlsMessage(message);
  }

  /** A fresh key package of somebody, valid on the machine's clock as the library wants it. */
  async recruit(name: string): Promise<KeyPackage> {
    const { publicPackage } = await generateKeyPackage(
      { credentialType: 'basic', identity: utf8(name) },
      defaultCapabilities(),
      LIFETIME,
      [],
      this.crypto,
    );
    return publicPackage;
  }
}
