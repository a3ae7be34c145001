import { stringifyJson } from '../base/json.ts';
import { Slices } from '../base/slices.ts';
import type { Disk } from '../model/disk.ts';
import type { Instance } from '../model/instance.ts';
import type { ClusterView } from '../model/view.ts';
import { type Cell, ResultStatus } from '../query/define.ts';
import { resourceName } from '../query/resources.ts';
import type { JobSource, NodeSource, ReadContext } from './define.ts';
import { InstanceRow, instanceValues } from './instance.ts';
import { strayFinder } from './live.ts';
import { runQuery } from './registry.ts';

/** The fields that change without the cluster's objects: what the nodes tell. */
const liveFields: ReadonlySet<string> = new Set([
  'console',
  'oper_ram',
  'oper_state',
  'oper_vcpus',
  'status',
]);

/** The text of the fields that only the cluster's objects decide, with the objects that it was made from. */
interface Known {
  readonly from: readonly unknown[];
  readonly text: string;
}

/** By list of fields, then by instance. Objects never change, so an entry holds as long as its objects are the current ones. */
const known = new WeakMap<readonly string[], WeakMap<Instance, Known>>();

/** About how long a piece of a listing is, in characters. */
const PIECE = 64 * 1024;

/**
 * All objects of a resource as JSON objects of these fields, in the order of their names: texts of some objects each, with commas
 * between these. Values that are not known now are null. Comes in slices; `ctx` must be one state, for the whole time.
 * @throws MerapiError bad_request for an unknown resource
 */
export async function* listing(
  resource: string,
  fields: readonly string[],
  ctx: ReadContext,
  jobs: JobSource,
  nodes: NodeSource,
): AsyncGenerator<string> {
  if (resourceName(resource) === 'instance') {
    yield* instanceTexts(fields, ctx);
    return;
  }
  const { data } = await runQuery(resource, fields, null, ctx, jobs, nodes);
  yield* pieces(data, (cells) => `{${members(fields, (_field, place) => cells[place])}}`);
}

/** The texts of some rows each. */
async function* pieces<Row>(rows: Iterable<Row>, textOf: (row: Row) => string): AsyncGenerator<string> {
  const slices = new Slices();
  let texts: string[] = [];
  let size = 0;
  for (const row of rows) {
    const text = textOf(row);
    texts.push(text);
    size += text.length;
    if (size >= PIECE) {
      yield texts.join(',');
      texts = [];
      size = 0;
    }
    if (slices.over) await slices.pause();
  }
  if (texts.length > 0) yield texts.join(',');
}

function instanceTexts(fields: readonly string[], ctx: ReadContext): AsyncGenerator<string> {
  const instances = ctx.view.instances.list();
  const strays = strayFinder(ctx, instances.length);
  const live = fields.filter((field) => liveFields.has(field));
  const still = fields.filter((field) => !liveFields.has(field));
  const texts = known.get(fields) ?? new WeakMap<Instance, Known>();
  known.set(fields, texts);
  return pieces(instances, (instance) => {
    const row = new InstanceRow(instance, ctx, strays);
    const disks = row.disks;
    let entry = texts.get(instance);
    if (!entry || !isCurrent(entry, ctx.view, disks)) {
      entry = { from: origins(ctx.view, disks), text: instanceMembers(still, row) };
      texts.set(instance, entry);
    }
    return `{${entry.text},${instanceMembers(live, row)}}`;
  });
}

const instanceMembers = (fields: readonly string[], row: InstanceRow) =>
  members(fields, (field) => instanceValues.get(field)?.(row));

/** Everything beside the instance itself that its fields may show. */
function origins(view: ClusterView, disks: readonly Disk[]): unknown[] {
  return [view.cluster, view.nodes, view.groups, view.networks, ...disks];
}

function isCurrent({ from }: Known, view: ClusterView, disks: readonly Disk[]): boolean {
  const now = origins(view, disks);
  return from.length === now.length && from.every((origin, place) => origin === now[place]);
}

function members(
  fields: readonly string[],
  cellOf: (field: string, place: number) => Cell | undefined,
): string {
  return fields
    .map((field, place) => {
      const cell = cellOf(field, place);
      return `"${field}":${cell?.[0] === ResultStatus.NORMAL ? jsonOf(cell[1]) : 'null'}`;
    })
    .join(',');
}

const sharedTexts = new WeakMap<object, string>();

/** The JSON of a value of a field. Parameter sets are shared by many instances, so their texts are kept. */
function jsonOf(value: unknown): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return stringifyJson(value);
  let text = sharedTexts.get(value);
  if (text === undefined) {
    text = stringifyJson(value);
    sharedTexts.set(value, text);
  }
  return text;
}
