// Listings of all objects of a resource. For instances, they separate the values that depend on the cluster's objects alone from those
// that nodes report, so that a surface can cache the text of the former (lib/surfaces/rapi/listed.ts).
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

/** Values by the names of their fields; a value that is not known at the moment is null. */
export type ListedValues = Readonly<Record<string, unknown>>;

/** An object in a listing, with its fields in two parts: configured values, and live ones that nodes report. */
export interface ListedObject {
  /**
   * A key for the configured values: the same object as long as they are the same. So a caller can cache what it derives from them in a
   * WeakMap under this key.
   */
  readonly version: object;
  /** Reads the values that only depend on the cluster's objects. */
  configured(): ListedValues;
  /** The values that nodes report, which can change at any time. */
  readonly live: ListedValues;
}

/** A version of an instance's configured values. */
interface Version {
  /** The objects, beside the instance, from which the values are derived. */
  readonly origins: readonly unknown[];
}

/** By list of fields, then by instance. Objects are immutable, so an entry is valid as long as its origins are the current objects. */
const knownVersions = new WeakMap<readonly string[], WeakMap<Instance, Version>>();

/** How many objects a page has at most. */
const PAGE = 128;

const noValues: ListedValues = {};

/**
 * All objects of a resource with these fields, in the order of their names, a page at a time, in slices between which other work gets its
 * turn. `ctx` must be one state for as long as pages are read. To benefit from the cache of versions, callers must pass the same array
 * of fields each time.
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
      configured: () => valuesOf(fields, (_field, index) => cells[index]),
      live: noValues,
    });
    if (page.length < PAGE) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

/** Instances are what clusters have thousands of: only here a version outlives one listing. */
async function* instances(
  fields: readonly string[],
  ctx: ReadContext,
): AsyncGenerator<readonly ListedObject[]> {
  const all = ctx.view.instances.list();
  const strays = strayFinder(ctx, all.length);
  const isLive = (field: string) => resources.instance.get(field)?.live === true;
  const live = fields.filter(isLive);
  const configured = fields.filter((field) => !isLive(field));
  // Whoever may not see everything has a view made for this one request: its versions would only take the place of those of all others.
  const isShared = ctx.view === ctx.whole;
  const versions = (isShared && knownVersions.get(fields)) || new WeakMap<Instance, Version>();
  if (isShared) knownVersions.set(fields, versions);
  const listed = (instance: Instance): ListedObject => {
    const row = new InstanceRow(instance, ctx, strays);
    const disks = row.disks;
    let version = versions.get(instance);
    if (!version || !isCurrent(version, ctx.view, disks)) {
      version = { origins: originsOf(ctx.view, disks) };
      versions.set(instance, version);
    }
    const cellOf = (field: string) => instanceValues.get(field)?.(row);
    return { version, configured: () => valuesOf(configured, cellOf), live: valuesOf(live, cellOf) };
  };
  const slices = new Slices();
  for (let from = 0; from < all.length; from += PAGE) {
    yield all.slice(from, from + PAGE).map(listed);
    if (slices.over) await slices.pause();
  }
}

/** Everything beside the instance itself that its configured fields depend on. */
function originsOf(view: ClusterView, disks: readonly Disk[]): unknown[] {
  return [view.cluster, view.nodes, view.groups, view.networks, ...disks];
}

/** Whether all objects from which a version was derived are still the current ones. Compares identities, since objects are immutable. */
function isCurrent({ origins }: Version, view: ClusterView, disks: readonly Disk[]): boolean {
  const current = originsOf(view, disks);
  return origins.length === current.length && origins.every((origin, index) => origin === current[index]);
}

/** The values of these fields by name; null for a value that is not known at the moment. */
function valuesOf(
  fields: readonly string[],
  cellOf: (field: string, index: number) => Cell | undefined,
): ListedValues {
  const values: Record<string, unknown> = {};
  // This runs for each of thousands of objects: a plain loop is the fastest.
  for (let index = 0; index < fields.length; index++) {
    const field = fields[index] ?? '';
    const cell = cellOf(field, index);
    values[field] = cell?.[0] === ResultStatus.NORMAL ? cell[1] : null;
  }
  return values;
}
