// Encryption of the secrets in the store. The key is in a file of its own in the state folder, so that a copy of the store alone does
// not reveal them.

import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { MerapiError } from './errors.ts';
import { writeFileDurably } from './files.ts';
import { readStateText } from './state-file.ts';

/** The secret keys of a cluster in use: to encrypt texts that are stored, and to sign texts for other clusters. */
export interface Seal {
  /** Encrypts a text (AES-256-GCM): base64 of nonce (12 bytes), tag (16 bytes) and ciphertext. */
  close(text: string): string;
  /** Decrypts a text. @throws MerapiError internal_error when it was not encrypted with this key or was changed */
  open(sealed: string): string;
  /** The HMAC-SHA1 of a text in hexadecimal, with the secret that is shared by clusters which exchange instances. */
  sign(text: string): string;
  /** The HMAC-SHA256 of a text in hexadecimal: without the key, nobody can check a guess at the text. */
  fingerprint(text: string): string;
}

/**
 * The seal from a key file (64 hexadecimal digits) and a file with the secret shared with other clusters (any text). A missing file is
 * made (mode 0600, 32 random bytes in hexadecimal).
 * @throws MerapiError configuration when the key file has other content, or the other file is empty
 */
export async function openSeal(keyFile: string, sharedFile: string): Promise<Seal> {
  const key = await secretIn(keyFile);
  if (!/^[0-9a-f]{64}$/i.test(key))
    throw new MerapiError(
      'configuration',
      `${keyFile} is not a key: it must contain 64 hexadecimal digits; restore it from a backup with 'merapi restore'`,
    );
  const shared = await secretIn(sharedFile);
  if (shared === '')
    throw new MerapiError(
      'configuration',
      `${sharedFile} must contain the secret shared with other clusters`,
    );
  return sealOf(Buffer.from(key, 'hex'), shared);
}

/** The content of a secret's file without white space around it; the file is made when it is missing. */
async function secretIn(file: string): Promise<string> {
  const known = await readStateText(file, {
    what: 'a secret of the cluster',
    remedy: "restore it from a backup with 'merapi restore'",
  });
  if (known !== null) return known.trim();
  const secret = randomBytes(32).toString('hex');
  await writeFileDurably(file, `${secret}\n`, 0o600);
  return secret;
}

/** The seal of a 32-byte key and of the secret shared with other clusters (by default the key itself, which no other cluster has). */
export function sealOf(key: Buffer, shared = key.toString('hex')): Seal {
  const fingerprintKey = createHmac('sha256', key).update('fingerprint').digest();
  return {
    sign: (text) => createHmac('sha1', shared).update(text).digest('hex'),
    fingerprint: (text) => createHmac('sha256', fingerprintKey).update(text).digest('hex'),
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
        throw new MerapiError('internal_error', 'An encrypted value cannot be decrypted with this key', {
          cause,
        });
      }
    },
  };
}
