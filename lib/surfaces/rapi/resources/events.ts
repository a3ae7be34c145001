import * as z from 'zod';
import { MerapiError } from '../../../base/errors.ts';
import type { EventFilter, EventPage } from '../../../manager/define.ts';
import { isWanted } from '../../../manager/follow.ts';
import type { Call, Resource } from '../resource.ts';
import { EventStream } from '../stream.ts';

/** How many events one answer holds at most. */
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

async function handle(call: Call): Promise<unknown> {
  const { query, manager, principal } = call;
  const feed = manager.events(principal);
  const filter = filterOf(call);
  const since = query.text('since');
  if (since !== null) {
    const after = idOf("Argument 'since'", since);
    const { events, first, upTo } = await feed.after(after, PAGE);
    const last = upTo > after ? upTo : feed.last;
    return { events: events.filter((event) => isWanted(filter, event)), first, last };
  }
  const known = call.header('last-event-id');
  const after = known === null ? feed.last : idOf('The header Last-Event-ID', known);
  const following = { filter, after, idle: call.heartbeat, signal: call.signal() };
  return new EventStream(messages(after, manager.follow(principal, following)));
}

/**
 * Each event as a message with its id; a `gap` where some are not kept any more; the id alone when nothing was sent for a while,
 * whether nothing happened or nothing that is wanted.
 */
async function* messages(after: number, pages: AsyncIterable<EventPage>): AsyncGenerator<string> {
  yield `retry: 1000\nid: ${after}\n\n`;
  for await (const { events, upTo, gap } of pages) {
    if (gap) yield message(gap.first - 1, 'gap', gap);
    for (const event of events) yield message(event.id, event.kind, event);
    if (events.length === 0 && !gap) yield `id: ${upTo}\n\n`;
  }
}

function message(id: number, name: string, data: unknown): string {
  return `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

function filterOf({ query }: Call): EventFilter {
  const given = <T>(name: string, values: readonly T[]) => (values.length > 0 ? { [name]: values } : {});
  const jobs = query.all('job').map((text) => idOf("Argument 'job'", text));
  return {
    ...given('kinds', query.all('kind')),
    ...given('objects', query.all('object')),
    ...given('jobs', jobs),
  };
}

function idOf(what: string, text: string): number {
  if (/^[0-9]{1,15}$/.test(text)) return Number(text);
  throw new MerapiError('wrong_input', `${what} must be a number, not '${text}'`);
}
