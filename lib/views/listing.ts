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

/** Values by name of their field; one that is not known now is null. */
export type ListedValues = Readonly<Record<string, unknown>>;

/** An object of a listing. */
export interface ListedObject {
  /**
   * Stands for what the cluster's objects decide of it: the same one as long as that is the same. So whoever makes something costly of `still` may
   * keep it under this key, in a WeakMap.
   */
  readonly version: object;
  /** The values that only the cluster's objects decide. */
  still(): ListedValues;
  /** The values that nodes tell, which change at any time. */
  readonly live: ListedValues;
}

/** What the values of an instance that are no live ones were made from. */
interface Version {
  readonly from: readonly unknown[];
}

/** By list of fields, then by instance. Objects never change, so an entry holds as long as its objects are the current ones. */
const known = new WeakMap<readonly string[], WeakMap<Instance, Version>>();

/** How many objects are given at once. */
const PAGE = 128;

const nothing: ListedValues = {};

/**
 * All objects of a resource with these fields, in the order of their names, some at a time. Comes in slices; `ctx` must be one state,
 * for the whole time.
 * @throws MerapiError wrong_input for an unknown resource
 */
export async function* listing(
  resource: string,
  fields: readonly string[],
  ctx: ReadContext,
  jobs: JobSource,
  nodes: NodeSource,
): AsyncGenerator<readonly ListedObject[]> {
  if (resourceName(resource) === 'instance') {
    yield* instances(fields, ctx);
    return;
  }
  const { rows } = await openQuery(resource, fields, null, ctx, jobs, nodes);
  let page: ListedObject[] = [];
  for await (const cells of rows) {
    page.push({
      version: cells,
      still: () => valuesOf(fields, (_field, place) => cells[place]),
      live: nothing,
    });
    if (page.length < PAGE) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

async function* instances(
  fields: readonly string[],
  ctx: ReadContext,
): AsyncGenerator<readonly ListedObject[]> {
  const all = ctx.view.instances.list();
  const strays = strayFinder(ctx, all.length);
  const isLive = (field: string) => resources.instance.get(field)?.live === true;
  const live = fields.filter(isLive);
  const still = fields.filter((field) => !isLive(field));
  const versions = known.get(fields) ?? new WeakMap<Instance, Version>();
  known.set(fields, versions);
  const listed = (instance: Instance): ListedObject => {
    const row = new InstanceRow(instance, ctx, strays);
    const disks = row.disks;
    let version = versions.get(instance);
    if (!version || !isCurrent(version, ctx.view, disks)) {
      version = { from: origins(ctx.view, disks) };
      versions.set(instance, version);
    }
    const cellOf = (field: string) => instanceValues.get(field)?.(row);
    return { version, still: () => valuesOf(still, cellOf), live: valuesOf(live, cellOf) };
  };
  const slices = new Slices();
  for (let from = 0; from < all.length; from += PAGE) {
    yield all.slice(from, from + PAGE).map(listed);
    if (slices.over) await slices.pause();
  }
}

/** Everything beside the instance itself that its fields may show. */
function origins(view: ClusterView, disks: readonly Disk[]): unknown[] {
  return [view.cluster, view.nodes, view.groups, view.networks, ...disks];
}

function isCurrent({ from }: Version, view: ClusterView, disks: readonly Disk[]): boolean {
  const now = origins(view, disks);
  return from.length === now.length && from.every((origin, place) => origin === now[place]);
}

function valuesOf(
  fields: readonly string[],
  cellOf: (field: string, place: number) => Cell | undefined,
): ListedValues {
  const values: Record<string, unknown> = {};
  // A listing asks this for each of thousands of objects: a plain loop is the fastest.
  for (let place = 0; place < fields.length; place++) {
    const field = fields[place] ?? '';
    const cell = cellOf(field, place);
    values[field] = cell?.[0] === ResultStatus.NORMAL ? cell[1] : null;
  }
  return values;
}
