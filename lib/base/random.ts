import { randomBytes, randomUUID } from 'node:crypto';

/**
 * The source of the uuids of new objects and of the secrets between nodes; tests pass a seeded one. Keys, certificates and passwords
 * do not use it: these always come from the system's random numbers.
 */
export interface Random {
  /** A new uuid (version 4). */
  uuid(): string;
  /** So many unpredictable bytes. */
  bytes(count: number): Buffer;
}

/** The system's random numbers. */
export const systemRandom: Random = { uuid: randomUUID, bytes: randomBytes };
