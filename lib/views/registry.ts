// Runs queries: for each resource, which rows there are, and the readers of its fields.
import { Slices } from '../base/slices.ts';
import type { Job } from '../model/job.ts';
import type { Cell, FieldTable, QueryAnswer, QueryRows } from '../query/define.ts';
import { compileFilter, lookupKeys } from '../query/evaluate.ts';
import { type Filter, parseFilter } from '../query/language.ts';
import { describeFields, resourceName, resources } from '../query/resources.ts';
import { clusterValues } from './cluster-row.ts';
import { type FieldReaders, type JobSource, type NodeSource, type ReadContext, UNKNOWN } from './define.ts';
import { exportValues } from './export.ts';
import { filterValues } from './filter.ts';
import { GroupRow, groupValues } from './group.ts';
import { InstanceRow, instanceValues } from './instance.ts';
import { jobValues } from './job.ts';
import { strayFinder } from './live.ts';
import { lockValues, sortedLocks } from './lock.ts';
import { NetworkRow, networkValues } from './network.ts';
import { NodeRow, nodeValues } from './node.ts';
import { osValues } from './os.ts';
import { candidates } from './rows.ts';

/** A checked query of one resource. */
interface Query {
  /** All fields of the resource. */
  readonly table: FieldTable;
  /** The names of the fields to return, in this order; some may be unknown or repeated. */
  readonly wanted: readonly string[];
  /** Null matches all rows. */
  readonly filter: Filter | null;
}

/**
 * Returns a function from a row to its cells, or null when the row does not match the filter. A field that is wanted several times is read
 * once per row.
 */
function rowReader<Row>(
  { table, wanted, filter }: Query,
  values: FieldReaders<Row>,
): (row: Row) => Cell[] | null {
  const unknown = () => UNKNOWN;
  const reader = (field: string) => values.get(field) ?? unknown;
  const passes = filter && compileFilter(filter, table, reader);
  const fields = [...new Set(wanted)];
  const reads = fields.map(reader);
  const all = (row: Row) => reads.map((read) => read(row));
  const indexOf = new Map(fields.map((field, index) => [field, index]));
  const indexes = wanted.map((field) => indexOf.get(field) as number);
  const cellsOf =
    fields.length === wanted.length
      ? all
      : (row: Row) => {
          const cells = all(row);
          return indexes.map((index) => cells[index] as Cell);
        };
  return (row) => (passes && !passes(row) ? null : cellsOf(row));
}

/** The cells of all rows that match, read in slices between which other work gets its turn. */
async function* readAll<Row>(
  query: Query,
  values: FieldReaders<Row>,
  rows: Iterable<Row> | AsyncIterable<Row>,
): AsyncGenerator<Cell[]> {
  const read = rowReader(query, values);
  const slices = new Slices();
  for await (const row of rows) {
    const cells = read(row);
    if (cells) yield cells;
    if (slices.over) await slices.pause();
  }
}

/** The existing jobs among these ids, ascending; a filter may compare the id with any number. */
async function* jobsWithIds(jobs: JobSource, ids: ReadonlySet<unknown>): AsyncIterable<Job> {
  const numbers = [...ids].filter((id): id is number => Number.isSafeInteger(id)).sort((a, b) => a - b);
  for (const id of numbers) {
    const job = await jobs.get(id);
    if (job) yield job;
  }
}

/** The cells of the jobs that match. A filter that demands certain ids is answered by lookups, which also find archived jobs. */
function readJobs(query: Query, jobs: JobSource): AsyncGenerator<Cell[]> {
  const ids = lookupKeys(query.filter, 'id');
  return readAll(query, jobValues, ids ? jobsWithIds(jobs, ids) : jobs.all());
}

/**
 * Reads fields of all objects of a resource that match a filter (null: all), in the order of their names or, for jobs, of their ids. A
 * field that does not exist has the status UNKNOWN; in a filter it is an error. Archived jobs are found only by a filter on their id.
 * `ctx` must be one state for as long as rows are read.
 * @throws MerapiError wrong_input for an unknown resource, a wrong filter or too many fields
 */
export async function openQuery(
  resource: string,
  fields: readonly string[],
  filter: unknown,
  ctx: ReadContext,
  jobs: JobSource,
  nodes: NodeSource,
): Promise<QueryRows> {
  const name = resourceName(resource);
  const table = resources[name];
  const answer = describeFields(name, fields);
  const query: Query = { table, wanted: fields, filter: parseFilter(filter, table) };
  const { view } = ctx;
  switch (name) {
    case 'instance': {
      const instances = candidates(view.instances, table, query.filter);
      const strays = strayFinder(ctx, instances.length);
      const rows = instances.map((instance) => new InstanceRow(instance, ctx, strays));
      return { ...answer, rows: readAll(query, instanceValues, rows) };
    }
    case 'node': {
      const rows = candidates(view.nodes, table, query.filter).map((node) => new NodeRow(node, ctx));
      return { ...answer, rows: readAll(query, nodeValues, rows) };
    }
    case 'group': {
      const rows = candidates(view.groups, table, query.filter).map((group) => new GroupRow(group, ctx));
      return { ...answer, rows: readAll(query, groupValues, rows) };
    }
    case 'network': {
      const rows = candidates(view.networks, table, query.filter).map((one) => new NetworkRow(one, ctx));
      return { ...answer, rows: readAll(query, networkValues, rows) };
    }
    case 'job':
      return { ...answer, rows: readJobs(query, jobs) };
    case 'filter':
      return { ...answer, rows: readAll(query, filterValues, view.filters) };
    case 'lock':
      return { ...answer, rows: readAll(query, lockValues, sortedLocks(jobs.locks())) };
    case 'os': {
      const rows = (await nodes.operatingSystems()).map((status) => ({ status, cluster: view.cluster }));
      return { ...answer, rows: readAll(query, osValues, rows) };
    }
    case 'export':
      return { ...answer, rows: readAll(query, exportValues, await nodes.exports()) };
    case 'cluster':
      return { ...answer, rows: readAll(query, clusterValues, [view]) };
  }
}

/** Like openQuery(), with all rows in memory: for queries with few results. */
export async function runQuery(...args: Parameters<typeof openQuery>): Promise<QueryAnswer> {
  const { rows, ...answer } = await openQuery(...args);
  const data: Cell[][] = [];
  for await (const cells of rows) data.push([...cells]);
  return { ...answer, data };
}
