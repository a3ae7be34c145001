import * as z from 'zod';
import { Bell } from '../../../base/bell.ts';
import { MerapiError } from '../../../base/errors.ts';
import type { EventFeed } from '../../../manager/define.ts';
import type { ClusterEvent } from '../../../model/event.ts';
import type { Call, Resource } from '../resource.ts';
import { EventStream } from '../stream.ts';

/** How many events are read at once, and how many one answer holds at most. */
const PAGE = 500;

const event = z.object({
  id: z.number(),
  time: z.number(),
  kind: z.string(),
  uuid: z.string(),
  name: z.string(),
  action: z.string(),
  job: z.number().nullable(),
});

/** What happens in the cluster; Ganeti has no resource for it. */
export const eventResources: readonly Resource[] = [
  {
    name: 'events',
    path: '/2/events',
    methods: {
      GET: {
        access: 'look',
        opcode: null,
        doc: 'What happens in the cluster: with `since` a list of events after that id, else a stream of Server-Sent Events from now on, or after the header Last-Event-ID.',
        args: {
          since: { kind: 'text', doc: 'Answer at once with the events after this id, 500 at most.' },
          kind: {
            kind: 'texts',
            doc: 'Only of these kinds: `instance`, `node`, `nodegroup`, `network`, `disk`, `cluster`, `filter`, `duty`, `job`.',
          },
          object: { kind: 'texts', doc: 'Only of these objects, by name or uuid; jobs by their number.' },
          job: { kind: 'texts', doc: 'Only what these jobs did, and they themselves.' },
        },
        answer: z.object({ events: z.array(event), first: z.number(), last: z.number() }),
        example: { items: [], args: [['since', '0']] },
        handle,
      },
    },
  },
];

type Wanted = (event: ClusterEvent) => boolean;

async function handle(call: Call): Promise<unknown> {
  const { query } = call;
  const feed = call.manager.events(call.principal);
  const wanted = wantedOf(call);
  const since = query.text('since');
  if (since !== null) {
    const after = idOf("Argument 'since'", since);
    const { events, first, upTo } = await feed.after(after, PAGE);
    return { events: events.filter(wanted), first, last: upTo > after ? upTo : feed.last };
  }
  const known = call.header('last-event-id');
  const after = known === null ? feed.last : idOf('The header Last-Event-ID', known);
  return new EventStream(stream(feed, after, wanted, call.signal(), call));
}

/**
 * Each event as a message with its id; a `gap` where some are not kept any more; the id alone when nothing was sent for a while,
 * whether nothing happened or nothing that is wanted.
 */
async function* stream(
  feed: EventFeed,
  after: number,
  wanted: Wanted,
  signal: AbortSignal,
  { clock, heartbeat }: Pick<Call, 'clock' | 'heartbeat'>,
): AsyncGenerator<string> {
  const bell = new Bell(clock);
  const stop = feed.subscribe(bell.ring);
  signal.addEventListener('abort', bell.ring);
  try {
    yield `retry: 1000\nid: ${after}\n\n`;
    let seen = after;
    if (seen > feed.last) {
      // The client knows more than there is: an older state of the cluster was restored.
      yield message(feed.last, 'gap', { after: seen, first: feed.last + 1 });
      seen = feed.last;
    }
    let due = clock.now() + heartbeat;
    while (!signal.aborted) {
      bell.hush();
      const { events, first, upTo } = await feed.after(seen, PAGE);
      const news = events.filter(wanted).map((event) => message(event.id, event.kind, event));
      if (first > seen + 1) news.unshift(message(first - 1, 'gap', { after: seen, first }));
      const isAtEnd = upTo === seen;
      seen = Math.max(upTo, first - 1);
      if (news.length === 0 && clock.now() >= due) news.push(`id: ${seen}\n\n`);
      yield* news;
      if (news.length > 0) due = clock.now() + heartbeat;
      if (isAtEnd && !signal.aborted) await bell.wait(Math.max(0, due - clock.now()));
    }
  } finally {
    stop();
    signal.removeEventListener('abort', bell.ring);
  }
}

function message(id: number, name: string, data: unknown): string {
  return `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

function wantedOf({ query }: Call): Wanted {
  const kinds = query.all('kind');
  const objects = query.all('object');
  const jobs = query.all('job').map((text) => idOf("Argument 'job'", text));
  return ({ kind, uuid, name, job }) =>
    (kinds.length === 0 || kinds.includes(kind)) &&
    (objects.length === 0 || objects.includes(uuid) || objects.includes(name)) &&
    (jobs.length === 0 || (job !== null && jobs.includes(job)));
}

function idOf(what: string, text: string): number {
  if (/^[0-9]{1,15}$/.test(text)) return Number(text);
  throw new MerapiError('bad_request', `${what} must be a number, not '${text}'`);
}
