import type { Cluster } from '../model/cluster.ts';
import { type OsStatus, osFieldValues } from '../model/os.ts';
import { osFields } from '../query/fields/os.ts';
import { type FieldReaders, normal } from './define.ts';

/** An OS definition with the cluster, which has parameters and lists of hidden and blacklisted ones. */
interface OsRow {
  readonly status: OsStatus;
  readonly cluster: Cluster;
}

/** The readers are derived from this list, since lib/model/os.ts already has a function for each field. */
const names = Object.keys(osFields) as (keyof typeof osFields)[];

/** The readers of all fields of an OS definition. */
export const osValues: FieldReaders<OsRow> = new Map(
  names.map((name) => [name, ({ status, cluster }) => normal(osFieldValues[name](status, cluster))]),
);
