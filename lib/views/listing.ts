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

/** An object in a listing. */
export interface ListedObject {
  /** A version of its configured values: the same object as long as they are the same. */
  readonly version: ListedVersion;
  /** The value of a field; null when it is not known at the moment. */
  valueOf(field: string): unknown;
}

/** A version of an object's configured values. */
interface ListedVersion {
  /** What the caller has derived from the values: undefined at first, then what it keeps here, as long as the version is current. */
  derived?: unknown;
}

/** Some of the objects of a listing, with the names of their fields in two parts. */
export interface ListedPage {
  readonly objects: readonly ListedObject[];
  /** The fields whose values depend on the cluster's objects alone. */
  readonly configured: readonly string[];
  /** Those whose values nodes report, which can change at any time. */
  readonly live: readonly string[];
}

/** A version of an instance. */
interface Version extends ListedVersion {
  readonly instance: Instance;
  /** The other objects from which the values are derived. */
  readonly origins: readonly unknown[];
}

/**
 * By list of fields, then by the instance's uuid. Objects are immutable, so a version is current as long as its instance and origins
 * are. (A WeakMap by instance would make each garbage collection go through all of its entries.)
 */
const knownVersions = new WeakMap<readonly string[], Map<string, Version>>();

/** How many objects a page has at most. */
const PAGE = 128;

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
): AsyncGenerator<ListedPage> {
  if (resourceName(resource) === 'instance') {
    yield* instances(fields, ctx);
    return;
  }
  const { rows } = await openQuery(resource, fields, null, ctx, jobs, nodes);
  const indexes = new Map(fields.map((field, index) => [field, index]));
  const listed = (cells: readonly Cell[]): ListedObject => ({
    version: {},
    valueOf: (field) => valueIn(cells[indexes.get(field) ?? -1]),
  });
  let objects: ListedObject[] = [];
  for await (const cells of rows) {
    objects.push(listed(cells));
    if (objects.length < PAGE) continue;
    yield { objects, configured: fields, live: [] };
    objects = [];
  }
  if (objects.length > 0) yield { objects, configured: fields, live: [] };
}

/** Instances are what clusters have thousands of: only here a version outlives one listing. */
async function* instances(fields: readonly string[], ctx: ReadContext): AsyncGenerator<ListedPage> {
  const all = ctx.view.instances.list();
  const strays = strayFinder(ctx, all.length);
  const isLive = (field: string) => resources.instance.get(field)?.live === true;
  const live = fields.filter(isLive);
  const configured = fields.filter((field) => !isLive(field));
  // Whoever may not see everything has a view made for this one request: its versions would only take the place of those of all others.
  const isShared = ctx.view === ctx.whole;
  const versions = (isShared && knownVersions.get(fields)) || new Map<string, Version>();
  if (isShared) knownVersions.set(fields, versions);
  const listed = (instance: Instance): ListedObject => {
    const row = new InstanceRow(instance, ctx, strays);
    let version = versions.get(instance.uuid);
    if (version?.instance !== instance || !isCurrent(version, ctx.view, row.disks)) {
      version = { instance, origins: originsOf(ctx.view, row.disks), derived: undefined };
      versions.set(instance.uuid, version);
    }
    return new ListedInstance(version, row);
  };
  const slices = new Slices();
  for (let from = 0; from < all.length; from += PAGE) {
    yield { objects: all.slice(from, from + PAGE).map(listed), configured, live };
    if (slices.over) await slices.pause();
  }
  if (versions.size > all.length)
    for (const uuid of versions.keys()) if (!ctx.view.instances.get(uuid)) versions.delete(uuid);
}

class ListedInstance implements ListedObject {
  readonly version: Version;
  readonly #row: InstanceRow;

  constructor(version: Version, row: InstanceRow) {
    this.version = version;
    this.#row = row;
  }

  valueOf(field: string): unknown {
    return valueIn(instanceValues.get(field)?.(this.#row));
  }
}

/** The number of origins beside the disks. */
const SHARED_ORIGINS = 4;

/** Everything beside the instance itself that its configured fields depend on. */
function originsOf(view: ClusterView, disks: readonly Disk[]): unknown[] {
  return [view.cluster, view.nodes, view.groups, view.networks, ...disks];
}

/** Whether all objects from which a version was derived are still the current ones. Compares identities, since objects are immutable. */
function isCurrent({ origins }: Version, view: ClusterView, disks: readonly Disk[]): boolean {
  if (origins.length !== disks.length + SHARED_ORIGINS) return false;
  const [cluster, nodes, groups, networks] = origins;
  if (cluster !== view.cluster || nodes !== view.nodes) return false;
  if (groups !== view.groups || networks !== view.networks) return false;
  return disks.every((disk, index) => disk === origins[index + SHARED_ORIGINS]);
}

/** The value in a cell; null when it is not known at the moment. */
function valueIn(cell: Cell | undefined): unknown {
  return cell?.[0] === ResultStatus.NORMAL ? cell[1] : null;
}
