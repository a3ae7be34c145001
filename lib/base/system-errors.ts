/** What the codes of errors mean that systems and libraries give, in words that fit behind a colon. */
const meanings: Readonly<Record<string, string>> = {
  E2BIG: 'its arguments and its environment are larger than the system passes on',
  EACCES: 'the permission is missing',
  EADDRINUSE: 'the address is already in use',
  EADDRNOTAVAIL: 'this machine does not have the address',
  EAGAIN: 'the system has no room for more at the moment',
  EBUSY: 'it is in use',
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the other side ended the connection',
  EDQUOT: 'the quota of the disk is used up',
  EEXIST: 'it is there already',
  EHOSTUNREACH: 'there is no way to that host',
  EIO: 'the disk cannot be read or written',
  EISDIR: 'it is a folder',
  ELOOP: 'its symbolic links lead in a circle',
  EMFILE: 'the process has too many open files',
  ENAMETOOLONG: 'its name is too long',
  ENETUNREACH: 'there is no way to that network',
  ENFILE: 'the system has too many open files',
  ENOENT: 'there is no such file or folder',
  ENOEXEC: 'it is neither a program nor a script with the name of its interpreter',
  ENOMEM: 'the memory does not suffice',
  ENOSPC: 'no space is left on the device',
  ENOTDIR: 'a part of its path is not a folder',
  ENOTEMPTY: 'the folder is not empty',
  ENOTFOUND: 'the name has no address',
  EAI_AGAIN: 'no name server answers',
  EPERM: 'it is not permitted',
  EPIPE: 'the other side ended the connection',
  EPROTO: 'the other side does not speak the protocol',
  EROFS: 'the file system can only be read',
  ETIMEDOUT: 'nobody answers there',
  ETXTBSY: 'the program is being written',
  CERT_HAS_EXPIRED: 'the certificate has expired',
  CERT_NOT_YET_VALID: 'the certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is not signed by the authority',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate is not signed by a known authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the certificate is not signed by a known authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the certificate is not signed by a known authority',
  CERT_SIGNATURE_FAILURE: 'the certificate is not signed by the authority',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for another name',
  ERR_INVALID_ARG_VALUE: 'a value holds a character that cannot be passed on',
  ERR_STREAM_PREMATURE_CLOSE: 'the data broke off',
  UND_ERR_SOCKET: 'the other side ended the connection',
  UND_ERR_CONNECT_TIMEOUT: 'nobody answers there',
  UND_ERR_HEADERS_TIMEOUT: 'no answer came in time',
  UND_ERR_BODY_TIMEOUT: 'the answer broke off',
  SQLITE_BUSY: 'database is locked',
  SQLITE_CANTOPEN: 'unable to open database file',
  SQLITE_CONSTRAINT: 'a record contradicts another one',
  SQLITE_CORRUPT: 'database disk image is malformed',
  SQLITE_FULL: 'database or disk is full',
  SQLITE_IOERR: 'disk I/O error',
  SQLITE_NOTADB: 'file is not a database',
  SQLITE_READONLY: 'attempt to write a readonly database',
  SQLITE_TOOBIG: 'a value is too large',
};

/** The code of an error that a system or a library gave; null when it has none. */
export function systemCode(error: unknown): string | null {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,63}$/.test(code) ? code : null;
}

/**
 * What the error of a system or a library means, with its code; null when it has no code. Nothing else of it is told: its own
 * text may hold a path, an argument or any other value.
 */
export function systemText(error: unknown): string | null {
  const code = systemCode(error);
  if (code === null) return null;
  const base = /^(SQLITE_[A-Z]+)_/.exec(code)?.[1]; // extended codes begin with the one that they belong to
  const meaning = meanings[code] ?? (base === undefined ? undefined : meanings[base]);
  return meaning === undefined ? `the system gives the error ${code}` : `${meaning} (${code})`;
}
