import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { MerapiError } from './errors.ts';
import { writeFileDurably } from './files.ts';
import { readStateText } from './state-file.ts';

/** The secrets of a cluster: for texts that must not stand on disk in clear (AES-256-GCM), and for those of other clusters. */
export interface Seal {
  close(text: string): string;
  /** @throws MerapiError internal_error when the text was not sealed with this key or was changed. */
  open(sealed: string): string;
  /** The signature (HMAC-SHA1, in hexadecimal) of a text by the secret that clusters which exchange instances share. */
  sign(text: string): string;
  /** A fingerprint of a text (HMAC-SHA256, in hexadecimal): only who has the key can tell whether a guess at the text is right. */
  fingerprint(text: string): string;
}

/**
 * The seal of a key file and of a file with the secret shared with other clusters, any text. A file that is missing is made
 * (mode 0600, 32 random bytes in hexadecimal).
 * @throws MerapiError configuration when the key file holds something else, or the other one nothing.
 */
export async function openSeal(keyFile: string, sharedFile: string): Promise<Seal> {
  const key = await secretIn(keyFile);
  if (!/^[0-9a-f]{64}$/i.test(key))
    throw new MerapiError(
      'configuration',
      `${keyFile} is not a key: it must hold 64 hexadecimal digits; put it back from a backup with 'merapi restore'`,
    );
  const shared = await secretIn(sharedFile);
  if (shared === '')
    throw new MerapiError('configuration', `${sharedFile} must hold the secret shared with other clusters`);
  return sealOf(Buffer.from(key, 'hex'), shared);
}

/** The text of a secret's file without the blanks around it; the file is made when it is missing. */
async function secretIn(file: string): Promise<string> {
  const known = await readStateText(file, {
    what: 'a secret of the cluster',
    remedy: "put it back from a backup with 'merapi restore'",
  });
  if (known !== null) return known.trim();
  const secret = randomBytes(32).toString('hex');
  await writeFileDurably(file, `${secret}\n`, 0o600);
  return secret;
}

/** The seal of a 32-byte key and of the secret shared with other clusters; without one no other cluster has the same. */
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
        throw new MerapiError('internal_error', 'A sealed value cannot be read with this key', { cause });
      }
    },
  };
}
