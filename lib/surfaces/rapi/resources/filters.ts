import * as z from 'zod';
import { MerapiError } from '../../../base/errors.ts';
import type { Json } from '../../../base/json.ts';
import { FilterAction, type FilterPredicate, predicateKinds } from '../../../model/filter.ts';
import { jsonListing } from '../listed.ts';
import { bodyAs, type Call, item, type Resource } from '../resource.ts';
import { descriptionDocs, refuseLock, rowSchema } from '../rows.ts';

/** The fields that listings and descriptions show. */
const FIELDS = ['watermark', 'priority', 'predicates', 'action', 'reason_trail', 'uuid'];

/** Nanoseconds exceed the safe integers of JavaScript, so they may be parsed as a bigint. */
const trailEntry = z.tuple([z.string(), z.string(), z.union([z.int(), z.bigint()])]);

/** The body of POST and PUT. The filters in the predicates are checked when the job filter is stored. */
const body = z.strictObject({
  priority: z.int().nonnegative().optional().describe('Filters with smaller numbers are evaluated first.'),
  predicates: z
    .array(z.tuple([z.enum(predicateKinds), z.array(z.unknown())]))
    .optional()
    .describe('The conditions, all of which a job must meet: [jobid, opcode or reason, filter].'),
  action: FilterAction.optional().describe('What happens to matching jobs; by default CONTINUE.'),
  reason: z.array(trailEntry).optional().describe('The reason trail: [source, reason, nanoseconds].'),
});

/** The same argument as that of submissions; here it becomes part of the filter's own reason trail. */
const reason = { kind: 'text', doc: 'The reason for the change; it is added to the reason trail.' } as const;

const example = { priority: 10, predicates: [['opcode', ['=', 'OP_ID', 'OP_GROUP_ADD']]], action: 'REJECT' };

const sampleUuid = '309e3407-e4be-4e07-9b7f-30b6d10e241f';

/** The job filters. They are changed directly, without a job. */
export const filterResources: readonly Resource[] = [
  {
    name: 'filters',
    path: '/2/filters',
    methods: {
      GET: {
        access: 'look',
        opcode: null,
        doc: 'Lists all job filters: the uuid and URI of each, or with `bulk=1` all fields of each.',
        args: { bulk: { kind: 'flag', doc: 'Return all fields of each filter, not only its uuid and URI.' } },
        answer: z.union([
          z.array(z.object({ uuid: z.string(), uri: z.string() })),
          z.array(rowSchema('filter', FIELDS)),
        ]),
        handle: list,
      },
      POST: {
        access: 'write',
        opcode: null,
        doc: 'Creates a job filter and returns its uuid.',
        args: { reason },
        body,
        answer: z.string(),
        example: { items: [], body: example },
        handle: (call) => call.manager.putFilter(call.principal, null, filterOf(call)),
      },
    },
  },
  {
    name: 'filters_uuid',
    path: '/2/filters/{name}',
    methods: {
      GET: { access: 'look', opcode: null, ...descriptionDocs('filter', FIELDS), handle: describe },
      PUT: {
        access: 'write',
        opcode: null,
        doc: 'Creates or replaces the job filter with this uuid, and returns the uuid.',
        args: { reason },
        body,
        answer: z.string(),
        example: { items: [sampleUuid], body: example },
        handle: (call) => call.manager.putFilter(call.principal, uuidOf(call), filterOf(call)),
      },
      DELETE: {
        access: 'write',
        opcode: null,
        doc: 'Removes a job filter.',
        answer: z.null(),
        example: { items: [sampleUuid] },
        handle: remove,
      },
    },
  },
];

function list(call: Call): unknown {
  refuseLock(call);
  if (call.query.flag('bulk')) return jsonListing(call.manager.listing(call.principal, 'filter', FIELDS));
  return call.manager.filters(call.principal).map(({ uuid }) => ({ uuid, uri: `/2/filters/${uuid}` }));
}

function describe(call: Call): Promise<unknown> {
  refuseLock(call);
  return call.manager.describe(call.principal, 'filter', FIELDS, item(call));
}

async function remove(call: Call): Promise<null> {
  await call.manager.removeFilter(call.principal, item(call));
  return null;
}

/** The uuid in the path, which may become that of a new filter. @throws MerapiError wrong_input when it is no uuid */
function uuidOf(call: Call): string {
  const { success, data } = z.uuid().safeParse(item(call));
  if (success) return data;
  throw new MerapiError('wrong_input', `'${item(call)}' is not a uuid`);
}

/** The filter that the body describes, with Ganeti's defaults and reason trail. @throws MerapiError wrong_input */
function filterOf(call: Call) {
  const data = bodyAs(call, body);
  const now = call.clock.nanoseconds();
  const userReason = call.query.text('reason');
  return {
    priority: data.priority ?? 0,
    predicates: (data.predicates ?? []) as FilterPredicate[],
    action: data.action ?? 'CONTINUE',
    reason_trail: [
      ...((data.reason ?? []) as Json[]),
      ...(userReason === null ? [] : [['gnt:user', userReason, now]]),
      ['luxid', '', now],
    ],
  };
}
