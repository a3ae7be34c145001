import type { LockState } from '../locks/manager.ts';
import { ALL } from '../model/locks.ts';
import { compareNames } from '../model/names.ts';
import type { lockFields } from '../query/fields/lock.ts';
import { normal, type Value, type Values } from './define.ts';

/** The lock's name as Ganeti has it, e.g. `node/node1.example.com`; `[lockset]` stands for all of a level. */
function nameOf({ level, name }: LockState): string {
  return `${level}/${name === ALL ? '[lockset]' : name}`;
}

/** A lock's owners are opcodes, `JOB/INDEX`, and duties, `duty/UUID`. */
const jobOf = (owner: string) => (owner.startsWith('duty/') ? owner : `job/${owner.replace(/\/.*/, '')}`);

const values: Record<keyof typeof lockFields, Value<LockState>> = {
  mode: ({ mode }) => normal(mode),
  name: (lock) => normal(nameOf(lock)),
  owner: ({ owners }) => normal(owners.filter((user) => !user.partial).map(({ owner }) => jobOf(owner))),
  pending: ({ pending }) => normal(pending.map(({ owner, mode }) => [mode, [jobOf(owner)]])),
};

/** The value of every field of a lock. */
export const lockValues: Values<LockState> = new Map(Object.entries(values));

/** Locks in the order of their names. */
export function sortedLocks(locks: readonly LockState[]): LockState[] {
  return [...locks].sort((a, b) => compareNames(nameOf(a), nameOf(b)));
}
