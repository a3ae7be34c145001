import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { MerapiError } from './errors.ts';
import { readFileOrNull, writeFileDurably } from './files.ts';

/** Encrypts and decrypts texts that must not stand on disk in clear (AES-256-GCM). */
export interface Seal {
  close(text: string): string;
  /** @throws MerapiError internal_error when the text was not sealed with this key or was changed. */
  open(sealed: string): string;
}

/**
 * The seal of a key file; the file (mode 0600, 32 random bytes in hexadecimal) is made when it is missing.
 * @throws MerapiError configuration when the file holds something else.
 */
export async function openSeal(keyFile: string): Promise<Seal> {
  let key = (await readFileOrNull(keyFile))?.trim();
  if (!key) {
    key = randomBytes(32).toString('hex');
    await writeFileDurably(keyFile, `${key}\n`, 0o600);
  }
  if (!/^[0-9a-f]{64}$/i.test(key))
    throw new MerapiError('configuration', `${keyFile} is not a key: it must hold 64 hexadecimal digits`);
  return sealOf(Buffer.from(key, 'hex'));
}

/** The seal of a 32-byte key. */
export function sealOf(key: Buffer): Seal {
  return {
    close(text) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce);
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64');
    },
    open(sealed) {
      const bytes = Buffer.from(sealed, 'base64');
      try {
        const nonce = bytes.subarray(0, 12);
        const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: 16 });
        decipher.setAuthTag(bytes.subarray(12, 28));
        return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
      } catch (cause) {
        throw new MerapiError('internal_error', 'A sealed value cannot be read with this key', { cause });
      }
    },
  };
}
