import { randomBytes, randomUUID } from 'node:crypto';

/**
 * Where the names of new objects and the secrets between nodes come from; tests pass one that a seed decides. Keys, certificates and
 * passwords are not made of it: `base` makes these of the system's random numbers in any case.
 */
export interface Random {
  /** A uuid (version 4) that no other call answers. */
  uuid(): string;
  /** So many bytes that nobody can guess. */
  bytes(count: number): Buffer;
}

/** The system's random numbers. */
export const systemRandom: Random = { uuid: randomUUID, bytes: randomBytes };
