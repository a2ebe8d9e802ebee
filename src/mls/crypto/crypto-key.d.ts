/**
 * ts-mls describes HPKE keys by the DOM's name for a key, and our programs have no DOM types. It never looks inside of
 * one; see `node-suite.ts`.
 */
interface CryptoKey {
  readonly type: 'private' | 'public' | 'secret';
}
