import { Bell } from '../base/bell.ts';
import type { Clock } from '../base/clock.ts';
import type { ClusterEvent } from '../model/event.ts';
import type { EventReader } from '../store/define.ts';
import type { EventFeed, EventFilter, EventPage, FollowOptions } from './define.ts';

/** How many events are read at a time. */
const PAGE = 500;

/** Whether an event passes the filter. */
export function isWanted(
  { kinds, objects, jobs }: EventFilter,
  { kind, uuid, name, job }: ClusterEvent,
): boolean {
  return (
    (kinds === undefined || kinds.includes(kind)) &&
    (objects === undefined || objects.includes(uuid) || objects.includes(name)) &&
    (jobs === undefined || (job !== null && jobs.includes(job)))
  );
}

/**
 * Yields the events after an id, page by page as they happen, until the signal fires. Nothing is lost without notice: where events are
 * no longer stored, the page has a `gap`. After `idle` milliseconds without a page, one without events tells the position reached.
 */
export async function* follow(
  feed: EventFeed,
  { clock, events }: { clock: Clock; events: Pick<EventReader, 'subscribe'> },
  { filter, after, idle, signal }: FollowOptions,
): AsyncGenerator<EventPage> {
  const bell = new Bell(clock);
  const stop = events.subscribe(bell.ring);
  signal.addEventListener('abort', bell.ring);
  try {
    let seen = after;
    if (seen > feed.last) {
      // The caller knows a later event than the newest one: an older state of the cluster was restored.
      yield { events: [], upTo: feed.last, gap: { after: seen, first: feed.last + 1 } };
      seen = feed.last;
    }
    let due = clock.now() + idle;
    while (!signal.aborted) {
      bell.reset();
      const { events: all, first, upTo } = await feed.after(seen, PAGE);
      const gap = first > seen + 1 ? { after: seen, first } : null;
      const wanted = all.filter((event) => isWanted(filter, event));
      const isAtEnd = upTo === seen;
      seen = Math.max(upTo, first - 1);
      if (wanted.length > 0 || gap || clock.now() >= due) {
        yield { events: wanted, upTo: seen, gap };
        due = clock.now() + idle;
      }
      if (isAtEnd && !signal.aborted) await bell.wait(Math.max(0, due - clock.now()));
    }
  } finally {
    stop();
    signal.removeEventListener('abort', bell.ring);
  }
}
