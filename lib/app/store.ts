import type { OpenStore } from '../store/define.ts';
import { newThreads, type Threads } from '../store/sqlite/database.ts';
import { openSqliteStore } from '../store/sqlite/store.ts';
import type { Layout } from './layout.ts';

/** Returns a function that opens the store of a cluster. The only place that says which implementation is used. */
export function storeOf({ database }: Layout, threads: Threads = newThreads): OpenStore {
  return (clock) => openSqliteStore(database, clock, threads);
}
