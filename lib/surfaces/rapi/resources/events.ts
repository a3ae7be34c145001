import * as z from 'zod';
import { MerapiError } from '../../../base/errors.ts';
import type { EventFilter, EventPage } from '../../../manager/define.ts';
import { isWanted } from '../../../manager/follow.ts';
import type { Call, Resource } from '../resource.ts';
import { EventStream } from '../stream.ts';

/** How many events one response contains at most. */
const PAGE = 500;

/** An event in the response, for the docs; lib/model/event.ts defines its members. */
const event = z.object({
  id: z.number(),
  time: z.number(),
  kind: z.string(),
  uuid: z.string(),
  name: z.string(),
  action: z.string(),
  job: z.number().nullable(),
});

/** The events of the cluster, as a list or as a stream. Ganeti has no such resource. */
export const eventResources: readonly Resource[] = [
  {
    name: 'events',
    path: '/2/events',
    methods: {
      GET: {
        access: 'look',
        opcode: null,
        doc: 'Returns the events of the cluster: with `since` a list of those after that id, otherwise a stream of Server-Sent Events from now on, or after the id in the header Last-Event-ID.',
        args: {
          since: { kind: 'text', doc: 'Return the events after this id at once, at most 500.' },
          kind: {
            kind: 'texts',
            doc: 'Only events of these kinds: `instance`, `node`, `nodegroup`, `network`, `disk`, `cluster`, `filter`, `duty`, `job`.',
          },
          object: {
            kind: 'texts',
            doc: 'Only events of these objects, by name or uuid; jobs by their number.',
          },
          job: { kind: 'texts', doc: 'Only changes by these jobs, and events of the jobs themselves.' },
        },
        answer: z.object({ events: z.array(event), first: z.number(), last: z.number() }),
        example: { items: [], args: [['since', '0']] },
        handle,
      },
    },
  },
];

/** A list when the request has `since`, otherwise a stream. @throws MerapiError wrong_input for an id that is no number */
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
  const lastId = call.header('last-event-id');
  const after = lastId === null ? feed.last : idOf('The header Last-Event-ID', lastId);
  const following = { filter, after, idle: call.heartbeat, signal: call.signal() };
  return new EventStream(messages(after, manager.follow(principal, following)));
}

/**
 * The messages of a stream: each event with its id; a `gap` where events are no longer stored; and as a heartbeat the last id alone,
 * from which the client resumes if the stream breaks.
 */
async function* messages(after: number, pages: AsyncIterable<EventPage>): AsyncGenerator<string> {
  yield `retry: 1000\nid: ${after}\n\n`;
  for await (const { events, upTo, gap } of pages) {
    if (gap) yield message(gap.first - 1, 'gap', gap);
    for (const event of events) yield message(event.id, event.kind, event);
    if (events.length === 0 && !gap) yield `id: ${upTo}\n\n`;
  }
}

/** One message in the format of Server-Sent Events. */
function message(id: number, name: string, data: unknown): string {
  return `id: ${id}\nevent: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** The filter that the arguments describe. @throws MerapiError wrong_input for a job that is no number */
function filterOf({ query }: Call): EventFilter {
  const unlessEmpty = <T>(name: string, values: readonly T[]) =>
    values.length > 0 ? { [name]: values } : {};
  const jobs = query.all('job').map((text) => idOf("Argument 'job'", text));
  return {
    ...unlessEmpty('kinds', query.all('kind')),
    ...unlessEmpty('objects', query.all('object')),
    ...unlessEmpty('jobs', jobs),
  };
}

/** An id of an event or job. @param what names the value in the message @throws MerapiError wrong_input */
function idOf(what: string, text: string): number {
  if (/^[0-9]{1,15}$/.test(text)) return Number(text);
  throw new MerapiError('wrong_input', `${what} must be a number, not '${text}'`);
}
