import { Slices } from '../base/slices.ts';
import type { Job } from '../model/job.ts';
import type { Cell, FieldTable, QueryAnswer } from '../query/define.ts';
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

/** Makes the function that gives the cells of a row, or null when the row does not pass the filter. */
function rowReader<Row>(
  { table, wanted, filter }: Question,
  values: Values<Row>,
): (row: Row) => Cell[] | null {
  const unknown = () => UNKNOWN;
  const reader = (field: string) => values.get(field) ?? unknown;
  const passes = filter && compileFilter(filter, table, reader);
  const reads = wanted.map(reader);
  return (row) => {
    if (passes && !passes(row)) return null;
    return reads.map((read) => read(row));
  };
}

async function readAll<Row>(
  question: Question,
  values: Values<Row>,
  rows: readonly Row[],
): Promise<Cell[][]> {
  const read = rowReader(question, values);
  const data: Cell[][] = [];
  const slices = new Slices();
  for (const row of rows) {
    const cells = read(row);
    if (cells) data.push(cells);
    if (slices.over) await slices.pause();
  }
  return data;
}

async function* jobsWithIds(jobs: JobSource, ids: ReadonlySet<unknown>): AsyncIterable<Job> {
  const numbers = [...ids].filter((id): id is number => Number.isSafeInteger(id)).sort((a, b) => a - b);
  for (const id of numbers) {
    const job = await jobs.get(id);
    if (job) yield job;
  }
}

async function readJobs(question: Question, jobs: JobSource): Promise<Cell[][]> {
  const read = rowReader(question, jobValues);
  const ids = lookupKeys(question.filter, 'id');
  const data: Cell[][] = [];
  for await (const job of ids ? jobsWithIds(jobs, ids) : jobs.all()) {
    const cells = read(job);
    if (cells) data.push(cells);
  }
  return data;
}

/**
 * Reads fields of all objects of a resource that pass a filter (null: all), in the order of their names or, for jobs, of their
 * ids. A field that does not exist gives the status UNKNOWN; in a filter it is an error. Archived jobs are found by their id only.
 * @throws MerapiError bad_request for an unknown resource or a wrong filter
 */
export async function runQuery(
  resource: string,
  fields: readonly string[],
  filter: unknown,
  ctx: ReadContext,
  jobs: JobSource,
  nodes: NodeSource,
): Promise<QueryAnswer> {
  const name = resourceName(resource);
  const table = resources[name];
  const question: Question = { table, wanted: fields, filter: parseFilter(filter, table) };
  const answer = describeFields(name, fields);
  const { view } = ctx;
  switch (name) {
    case 'instance': {
      const instances = candidates(view.instances, table, question.filter);
      const strays = strayFinder(ctx, instances.length);
      const rows = instances.map((instance) => new InstanceRow(instance, ctx, strays));
      return { ...answer, data: await readAll(question, instanceValues, rows) };
    }
    case 'node': {
      const rows = candidates(view.nodes, table, question.filter).map((node) => new NodeRow(node, ctx));
      return { ...answer, data: await readAll(question, nodeValues, rows) };
    }
    case 'group': {
      const rows = candidates(view.groups, table, question.filter).map((group) => new GroupRow(group, ctx));
      return { ...answer, data: await readAll(question, groupValues, rows) };
    }
    case 'network': {
      const rows = candidates(view.networks, table, question.filter).map((one) => new NetworkRow(one, ctx));
      return { ...answer, data: await readAll(question, networkValues, rows) };
    }
    case 'job':
      return { ...answer, data: await readJobs(question, jobs) };
    case 'filter':
      return { ...answer, data: await readAll(question, filterValues, view.filters) };
    case 'lock':
      return { ...answer, data: await readAll(question, lockValues, sortedLocks(jobs.locks())) };
    case 'os': {
      const rows = (await nodes.operatingSystems()).map((status) => ({ status, cluster: view.cluster }));
      return { ...answer, data: await readAll(question, osValues, rows) };
    }
    case 'export':
      return { ...answer, data: await readAll(question, exportValues, await nodes.exports()) };
    case 'cluster':
      return { ...answer, data: await readAll(question, clusterValues, [view]) };
  }
}
