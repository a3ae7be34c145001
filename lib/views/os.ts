import type { Cluster } from '../model/cluster.ts';
import { type OsStatus, osFieldValues } from '../model/os.ts';
import { osFields } from '../query/fields/os.ts';
import { normal, type Values } from './define.ts';

/** An OS definition while it is read. */
interface OsRow {
  readonly status: OsStatus;
  readonly cluster: Cluster;
}

const names = Object.keys(osFields) as (keyof typeof osFields)[];

/** The value of every field of an OS definition. */
export const osValues: Values<OsRow> = new Map(
  names.map((name) => [name, ({ status, cluster }) => normal(osFieldValues[name](status, cluster))]),
);
