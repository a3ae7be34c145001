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

/** The jobs that someone may do this to, and the locks of objects that they may do it to. */
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

/** What is read from the nodes, as far as it is about objects that someone may do this to. */
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

async function* onlySeen(
  jobs: AsyncIterable<Job> | Iterable<Job>,
  isSeen: (job: Job) => boolean,
): AsyncGenerator<Job> {
  const slices = new Slices();
  for await (const job of jobs) {
    if (isSeen(job)) yield job;
    if (slices.over) await slices.pause(); // whoever takes them does not come to pause while none is seen
  }
}

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

function onSeenNodes(status: OsStatus, view: ClusterView): OsStatus {
  const nodes = Object.entries(status.nodes).filter(([name]) => view.nodes.named(name));
  return { ...status, nodes: Object.fromEntries(nodes) };
}

/** The instance of an export may be gone: then it is for those who have the right to all. */
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
