import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import type { KeyUse } from '../../src/replay/index.ts';

let keyUse: KeyUse | undefined;

/** From now on `use` is told of every AES-GCM encryption of this process, and nobody else is. */
export function watchCiphers(use: KeyUse): void {
  const isFirst = keyUse === undefined;
  keyUse = use;
  if (!isFirst) return;
  const { createCipheriv } = crypto;
  crypto.createCipheriv = ((...args: Parameters<typeof createCipheriv>) => {
    const cipher: crypto.Cipher & Partial<Pick<crypto.CipherGCM, 'getAuthTag'>> = createCipheriv(...args);
    const [, key] = args;
    const getAuthTag = cipher.getAuthTag?.bind(cipher);
    if (getAuthTag === undefined) return cipher;
    cipher.getAuthTag = () => {
      const tag = getAuthTag();
      if (key instanceof Uint8Array) keyUse?.sealed(key, tag);
      return tag;
    };
    return cipher;
  }) as typeof createCipheriv;
  syncBuiltinESMExports();
}
