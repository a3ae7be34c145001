import { Slices } from '../base/slices.ts';
import type { Job } from '../model/job.ts';
import type { Cell, FieldTable, QueryAnswer, QueryRows } from '../query/define.ts';
import { compileFilter, lookupKeys } from '../query/evaluate.ts';
import { type Filter, parseFilter } from '../query/language.ts';
import { describeFields, resourceName, resources } from '../query/resources.ts';
import { clusterValues } from './cluster-row.ts';
import { type JobSource, type NodeSource, type ReadContext, UNKNOWN, type Values } from './define.ts';
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

/** What is asked of one resource: its fields, the wanted ones, and the filter. */
interface Question {
  readonly table: FieldTable;
  readonly wanted: readonly string[];
  readonly filter: Filter | null;
}

/**
 * Makes the function that gives the cells of a row, or null when the row does not pass the filter. A field that is wanted in several
 * places is read once, and the same cell stands in each.
 */
function rowReader<Row>(
  { table, wanted, filter }: Question,
  values: Values<Row>,
): (row: Row) => Cell[] | null {
  const unknown = () => UNKNOWN;
  const reader = (field: string) => values.get(field) ?? unknown;
  const passes = filter && compileFilter(filter, table, reader);
  const fields = [...new Set(wanted)];
  const reads = fields.map(reader);
  const all = (row: Row) => reads.map((read) => read(row));
  const placeOf = new Map(fields.map((field, place) => [field, place]));
  const places = wanted.map((field) => placeOf.get(field) as number);
  const cellsOf =
    fields.length === wanted.length
      ? all
      : (row: Row) => {
          const cells = all(row);
          return places.map((place) => cells[place] as Cell);
        };
  return (row) => (passes && !passes(row) ? null : cellsOf(row));
}

async function* readAll<Row>(
  question: Question,
  values: Values<Row>,
  rows: Iterable<Row> | AsyncIterable<Row>,
): AsyncGenerator<Cell[]> {
  const read = rowReader(question, values);
  const slices = new Slices();
  for await (const row of rows) {
    const cells = read(row);
    if (cells) yield cells;
    if (slices.over) await slices.pause();
  }
}

async function* jobsWithIds(jobs: JobSource, ids: ReadonlySet<unknown>): AsyncIterable<Job> {
  const numbers = [...ids].filter((id): id is number => Number.isSafeInteger(id)).sort((a, b) => a - b);
  for (const id of numbers) {
    const job = await jobs.get(id);
    if (job) yield job;
  }
}

function readJobs(question: Question, jobs: JobSource): AsyncGenerator<Cell[]> {
  const ids = lookupKeys(question.filter, 'id');
  return readAll(question, jobValues, ids ? jobsWithIds(jobs, ids) : jobs.all());
}

/**
 * Reads fields of all objects of a resource that pass a filter (null: all), in the order of their names or, for jobs, of their
 * ids. A field that does not exist gives the status UNKNOWN; in a filter it is an error. Archived jobs are found by their id only.
 * `ctx` must be one state, for as long as rows are read.
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
  const question: Question = { table, wanted: fields, filter: parseFilter(filter, table) };
  const { view } = ctx;
  switch (name) {
    case 'instance': {
      const instances = candidates(view.instances, table, question.filter);
      const strays = strayFinder(ctx, instances.length);
      const rows = instances.map((instance) => new InstanceRow(instance, ctx, strays));
      return { ...answer, rows: readAll(question, instanceValues, rows) };
    }
    case 'node': {
      const rows = candidates(view.nodes, table, question.filter).map((node) => new NodeRow(node, ctx));
      return { ...answer, rows: readAll(question, nodeValues, rows) };
    }
    case 'group': {
      const rows = candidates(view.groups, table, question.filter).map((group) => new GroupRow(group, ctx));
      return { ...answer, rows: readAll(question, groupValues, rows) };
    }
    case 'network': {
      const rows = candidates(view.networks, table, question.filter).map((one) => new NetworkRow(one, ctx));
      return { ...answer, rows: readAll(question, networkValues, rows) };
    }
    case 'job':
      return { ...answer, rows: readJobs(question, jobs) };
    case 'filter':
      return { ...answer, rows: readAll(question, filterValues, view.filters) };
    case 'lock':
      return { ...answer, rows: readAll(question, lockValues, sortedLocks(jobs.locks())) };
    case 'os': {
      const rows = (await nodes.operatingSystems()).map((status) => ({ status, cluster: view.cluster }));
      return { ...answer, rows: readAll(question, osValues, rows) };
    }
    case 'export':
      return { ...answer, rows: readAll(question, exportValues, await nodes.exports()) };
    case 'cluster':
      return { ...answer, rows: readAll(question, clusterValues, [view]) };
  }
}

/** The same with all rows in memory: for questions that few objects answer. */
export async function runQuery(...question: Parameters<typeof openQuery>): Promise<QueryAnswer> {
  const { rows, ...answer } = await openQuery(...question);
  const data: Cell[][] = [];
  for await (const cells of rows) data.push([...cells]);
  return { ...answer, data };
}
