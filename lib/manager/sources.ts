// Restricts jobs, locks and data from nodes to what a principal may see; lib/access/seen.ts does the same for the objects of the cluster.
import type { Rights } from '../access/rights.ts';
import { Slices } from '../base/slices.ts';
import type { LockState } from '../locks/manager.ts';
import { type Action, namedKindOf } from '../model/access.ts';
import type { Job } from '../model/job.ts';
import { ALL, taggedBy } from '../model/locks.ts';
import { tableOf } from '../model/lookup.ts';
import type { OsStatus } from '../model/os.ts';
import type { ClusterView } from '../model/view.ts';
import type { ExportRow, JobSource, NodeSource } from '../views/define.ts';

/** The jobs to which the principal may do this, and the locks of such objects. The source itself for one who may do it to all. */
export function seenJobs(source: JobSource, rights: Rights, action: Action): JobSource {
  if (rights.scope(action) === 'all') return source;
  const view = rights.seen(action);
  return {
    get: async (id) => {
      const job = await source.get(id);
      return job && rights.mayJob(action, job) ? job : null;
    },
    all: () => onlySeen(source.all(), (job) => rights.mayJob(action, job)),
    locks: () => source.locks().filter((lock) => isSeenLock(lock, view, rights, action)),
  };
}

/** What is read from the nodes, restricted to objects to which the principal may do this. */
export function seenOnNodes(source: NodeSource, rights: Rights, action: Action): NodeSource {
  if (rights.scope(action) === 'all') return source;
  const view = rights.seen(action);
  return {
    operatingSystems: async () =>
      (await source.operatingSystems())
        .filter(({ name }) => rights.may(action, { kind: 'os', id: name }))
        .map((status) => onSeenNodes(status, view)),
    exports: async () => (await source.exports()).filter((row) => isSeenExport(row, view, rights, action)),
  };
}

/** The jobs that pass the check. */
async function* onlySeen(
  jobs: AsyncIterable<Job> | Iterable<Job>,
  isSeen: (job: Job) => boolean,
): AsyncGenerator<Job> {
  const slices = new Slices();
  for await (const job of jobs) {
    if (isSeen(job)) yield job;
    if (slices.over) await slices.pause(); // the consumer cannot pause while all jobs are filtered out
  }
}

/**
 * Whether a lock is of an object that the principal may see. A lock of all objects of a level, or of a name that no object has, is only
 * for those with the right to all objects of the kind.
 */
function isSeenLock(
  { level, name }: Pick<LockState, 'level' | 'name'>,
  view: ClusterView,
  rights: Rights,
  action: Action,
): boolean {
  if (level === 'tags') {
    const { kind, of } = taggedBy(name);
    return isSeenLock({ level: kind, name: of }, view, rights, action);
  }
  if (level === 'cluster') return rights.may(action, { kind: 'cluster', id: null });
  const kind = namedKindOf(level);
  if (name !== ALL && tableOf(view, kind).named(name)) return true;
  return rights.may(action, { kind, id: null }) && !tableOf(rights.whole, kind).named(name);
}

/** The status of an OS definition on the visible nodes only. */
function onSeenNodes(status: OsStatus, view: ClusterView): OsStatus {
  const nodes = Object.entries(status.nodes).filter(([name]) => view.nodes.named(name));
  return { ...status, nodes: Object.fromEntries(nodes) };
}

/** Whether an export may be seen. If its instance no longer exists, only those with the right to all instances see it. */
function isSeenExport(
  { node, instance }: ExportRow,
  view: ClusterView,
  rights: Rights,
  action: Action,
): boolean {
  if (!view.nodes.named(node)) return false;
  if (instance === null || view.instances.named(instance)) return true;
  return rights.may(action, { kind: 'instance', id: null }) && !rights.whole.instances.named(instance);
}
