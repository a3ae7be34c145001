import type { LockState } from '../locks/manager.ts';
import { ALL } from '../model/locks.ts';
import { compareNames } from '../model/names.ts';
import type { lockFields } from '../query/fields/lock.ts';
import { type FieldReader, type FieldReaders, normal } from './define.ts';

/** The name of a lock in Ganeti's form, e.g. `node/node1.example.com`; `[lockset]` is the lock of all objects of a level. */
function nameOf({ level, name }: LockState): string {
  return `${level}/${name === ALL ? '[lockset]' : name}`;
}

/** The owner as queries show it. In the lock manager, owners are opcodes (`JOB/INDEX`) and duties (`duty/UUID`). */
const jobOf = (owner: string) => (owner.startsWith('duty/') ? owner : `job/${owner.replace(/\/.*/, '')}`);

const values: Record<keyof typeof lockFields, FieldReader<LockState>> = {
  mode: ({ mode }) => normal(mode),
  name: (lock) => normal(nameOf(lock)),
  owner: ({ owners }) => normal(owners.filter((user) => !user.partial).map(({ owner }) => jobOf(owner))),
  pending: ({ pending }) => normal(pending.map(({ owner, mode }) => [mode, [jobOf(owner)]])),
};

/** The readers of all fields of a lock. */
export const lockValues: FieldReaders<LockState> = new Map(Object.entries(values));

/** Locks in the order of their names. */
export function sortedLocks(locks: readonly LockState[]): LockState[] {
  return [...locks].sort((a, b) => compareNames(nameOf(a), nameOf(b)));
}
