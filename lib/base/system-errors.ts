// The meanings of error codes of the operating system, TLS, the HTTP client and SQLite, for messages to users.

/** By code, in words that follow a colon. */
const meanings: Readonly<Record<string, string>> = {
  E2BIG: 'its arguments and its environment are larger than the system accepts',
  EACCES: 'permission is denied',
  EADDRINUSE: 'the address is already in use',
  EADDRNOTAVAIL: 'this machine does not have the address',
  EAGAIN: 'a resource is temporarily not available',
  EBUSY: 'it is in use',
  ECONNREFUSED: 'nothing is listening there',
  ECONNRESET: 'the other side ended the connection',
  EDQUOT: 'the quota of the disk is used up',
  EEXIST: 'it exists already',
  EHOSTUNREACH: 'there is no route to that host',
  EIO: 'the disk cannot be read or written',
  EISDIR: 'it is a folder',
  ELOOP: 'its symbolic links form a loop',
  EMFILE: 'the process has too many open files',
  ENAMETOOLONG: 'its name is too long',
  ENETUNREACH: 'there is no route to that network',
  ENFILE: 'the system has too many open files',
  ENOENT: 'there is no such file or folder',
  ENOEXEC: 'it is neither a program nor a script that names its interpreter',
  ENOMEM: 'there is not enough memory',
  ENOSPC: 'no space is left on the device',
  ENOTDIR: 'a part of its path is not a folder',
  ENOTEMPTY: 'the folder is not empty',
  ENOTFOUND: 'the name has no address',
  EAI_AGAIN: 'no name server answers',
  EPERM: 'it is not permitted',
  EPIPE: 'the other side ended the connection',
  EPROTO: 'the other side does not speak the protocol',
  EROFS: 'the file system is read-only',
  ETIMEDOUT: 'the connection timed out',
  ETXTBSY: 'the program file is open for writing',
  CERT_HAS_EXPIRED: 'the certificate has expired',
  CERT_NOT_YET_VALID: 'the certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is not signed by the authority',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate is not signed by a known authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the certificate is not signed by a known authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the certificate is not signed by a known authority',
  CERT_SIGNATURE_FAILURE: 'the certificate is not signed by the authority',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for another name',
  ERR_INVALID_ARG_VALUE: 'a value has a character that is not allowed there',
  ERR_STREAM_PREMATURE_CLOSE: 'the data ended too early',
  UND_ERR_SOCKET: 'the other side ended the connection',
  UND_ERR_CONNECT_TIMEOUT: 'the connection timed out',
  UND_ERR_HEADERS_TIMEOUT: 'no answer came in time',
  UND_ERR_BODY_TIMEOUT: 'the rest of the answer did not come in time',
  SQLITE_BUSY: 'database is locked',
  SQLITE_CANTOPEN: 'unable to open database file',
  SQLITE_CONSTRAINT: 'a constraint of the database is violated',
  SQLITE_CORRUPT: 'database disk image is malformed',
  SQLITE_FULL: 'database or disk is full',
  SQLITE_IOERR: 'disk I/O error',
  SQLITE_NOTADB: 'file is not a database',
  SQLITE_READONLY: 'attempt to write a readonly database',
  SQLITE_TOOBIG: 'a value is too large',
};

/** The code of an error of the system or a library; null when it has none. */
export function systemCode(error: unknown): string | null {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,63}$/.test(code) ? code : null;
}

/**
 * The meaning of an error of the system or a library, with its code; null when it has no code. The error's own message is not used: it
 * may contain a path, an argument or any other value.
 */
export function systemText(error: unknown): string | null {
  const code = systemCode(error);
  if (code === null) return null;
  const base = /^(SQLITE_[A-Z]+)_/.exec(code)?.[1]; // an extended code of SQLite begins with its primary code
  const meaning = meanings[code] ?? (base === undefined ? undefined : meanings[base]);
  return meaning === undefined ? `the system reports the error ${code}` : `${meaning} (${code})`;
}
