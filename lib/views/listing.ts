import { stringifyJson } from '../base/json.ts';
import { Slices } from '../base/slices.ts';
import type { Disk } from '../model/disk.ts';
import type { Instance } from '../model/instance.ts';
import type { ClusterView } from '../model/view.ts';
import { type Cell, ResultStatus } from '../query/define.ts';
import { resourceName, resources } from '../query/resources.ts';
import type { JobSource, NodeSource, ReadContext } from './define.ts';
import { InstanceRow, instanceValues } from './instance.ts';
import { strayFinder } from './live.ts';
import { openQuery } from './registry.ts';

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
 * @throws MerapiError wrong_input for an unknown resource
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
  const { rows } = await openQuery(resource, fields, null, ctx, jobs, nodes);
  const pieces = new Pieces();
  for await (const cells of rows) {
    const piece = pieces.add(`{${members(fields, (_field, place) => cells[place])}}`);
    if (piece !== null) yield piece;
  }
  yield* pieces.rest();
}

/** Puts the texts of rows together to pieces. */
class Pieces {
  #texts: string[] = [];
  #size = 0;

  /** Takes the text of a row; gives a piece when there is enough for one. */
  add(text: string): string | null {
    this.#texts.push(text);
    this.#size += text.length;
    if (this.#size < PIECE) return null;
    const piece = this.#texts.join(',');
    this.#texts = [];
    this.#size = 0;
    return piece;
  }

  /** What has not been given yet. */
  *rest(): Generator<string> {
    if (this.#texts.length > 0) yield this.#texts.join(',');
  }
}

async function* instanceTexts(fields: readonly string[], ctx: ReadContext): AsyncGenerator<string> {
  const instances = ctx.view.instances.list();
  const strays = strayFinder(ctx, instances.length);
  const isLive = (field: string) => resources.instance.get(field)?.live === true;
  const live = fields.filter(isLive);
  const still = fields.filter((field) => !isLive(field));
  const texts = known.get(fields) ?? new WeakMap<Instance, Known>();
  known.set(fields, texts);
  const textOf = (instance: Instance) => {
    const row = new InstanceRow(instance, ctx, strays);
    const disks = row.disks;
    let entry = texts.get(instance);
    if (!entry || !isCurrent(entry, ctx.view, disks)) {
      entry = { from: origins(ctx.view, disks), text: instanceMembers(still, row) };
      texts.set(instance, entry);
    }
    return `{${[entry.text, instanceMembers(live, row)].filter(Boolean).join(',')}}`;
  };
  const pieces = new Pieces();
  const slices = new Slices();
  for (const instance of instances) {
    const piece = pieces.add(textOf(instance));
    if (piece !== null) yield piece;
    if (slices.over) await slices.pause();
  }
  yield* pieces.rest();
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
