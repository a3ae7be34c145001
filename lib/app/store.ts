import type { OpenStore } from '../store/define.ts';
import { openSqliteStore } from '../store/sqlite/store.ts';
import type { Layout } from './layout.ts';

/** What opens the store of a cluster: SQLite, in a file of the state folder. */
export function storeOf({ database }: Layout): OpenStore {
  return (clock) => openSqliteStore(database, clock);
}
