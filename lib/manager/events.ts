import type { Rights } from '../access/rights.ts';
import { namedKindOf, type ObjectRef } from '../model/access.ts';
import type { ClusterEvent } from '../model/event.ts';
import type { EventReader } from '../store/define.ts';
import type { JobSource } from '../views/define.ts';
import type { EventFeed } from './define.ts';

/**
 * The events that a principal may see. Rights are read again for each page, since a feed may be followed for days.
 * @param rightsNow the current rights of the principal
 */
export function eventFeed(
  reader: EventReader,
  rightsNow: () => Rights,
  jobs: Pick<JobSource, 'get'>,
): EventFeed {
  return {
    get last() {
      return reader.last;
    },
    async after(id, limit) {
      const { events, first } = await reader.after(id, limit);
      const page = { first, upTo: events.at(-1)?.id ?? id };
      const rights = rightsNow();
      if (rights.scope('look') === 'all') return { events, ...page };
      return { events: await seenEvents(events, rights, jobs), ...page };
    },
  };
}

/** The events whose objects the principal may look at. Each job is read at most once per page. */
async function seenEvents(
  events: readonly ClusterEvent[],
  rights: Rights,
  jobs: Pick<JobSource, 'get'>,
): Promise<ClusterEvent[]> {
  const seenJobs = new Map<string, boolean>();
  const isSeenJob = async (number: string) => {
    const known = seenJobs.get(number);
    if (known !== undefined) return known;
    const job = await jobs.get(Number(number));
    const isSeen = job !== null && rights.mayJob('look', job);
    seenJobs.set(number, isSeen);
    return isSeen;
  };
  const seen: ClusterEvent[] = [];
  for (const event of events) {
    const object = objectOf(event);
    if (object ? rights.may('look', object) : event.kind === 'job' && (await isSeenJob(event.uuid)))
      seen.push(event);
  }
  return seen;
}

/** The object of an event; null for events of jobs, and for kinds that only another release knows. */
function objectOf({ kind, uuid }: ClusterEvent): ObjectRef | null {
  switch (kind) {
    case 'cluster':
      return { kind, id: null };
    case 'instance':
    case 'node':
    case 'nodegroup':
    case 'network':
      return { kind: namedKindOf(kind), id: uuid };
    case 'disk':
    case 'filter':
    case 'duty':
      return { kind, id: uuid };
    default:
      return null;
  }
}
