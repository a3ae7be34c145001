import * as z from 'zod';
import { MerapiError } from '../../../base/errors.ts';
import type { Json } from '../../../base/json.ts';
import type { Cell } from '../../../query/define.ts';
import { showJobField } from '../job.ts';
import { bodyObject, type Call, fieldList, item, type Resource } from '../resource.ts';
import { type JsonPieces, jsonTable } from '../stream.ts';

const fieldInfo = z.object({ name: z.string(), title: z.string(), kind: z.string(), doc: z.string() });
/** The response, for the docs: each row has a pair of status and value for each field. */
const answer = z.object({
  fields: z.array(fieldInfo),
  data: z.array(z.array(z.tuple([z.number().describe('the status'), z.unknown()]))),
});

/** Queries of any resource by fields and filter (lib/query). Jobs are converted to Ganeti's form. */
export const queryResources: readonly Resource[] = [
  {
    name: 'query',
    path: '/2/query/{name}',
    methods: {
      GET: {
        access: 'read',
        opcode: null,
        doc: 'Returns fields of all objects of a resource.',
        args: { fields: { kind: 'text', doc: 'Names of fields, separated by commas.' } },
        answer,
        example: { items: ['instance'], args: [['fields', 'name,status']] },
        handle: (call) => query(call, required(fieldArgument(call)), null),
      },
      PUT: {
        access: 'read',
        opcode: null,
        doc: 'Returns fields of the objects of a resource that match a filter.',
        args: {
          fields: { kind: 'text', doc: 'Names of fields, separated by commas, if the body has none.' },
        },
        body: z.object({
          fields: z.array(z.string()).optional(),
          qfilter: z.unknown().optional(),
          filter: z.unknown().optional(),
        }),
        answer,
        example: {
          items: ['instance'],
          body: { fields: ['name', 'oper_ram'], qfilter: ['=', 'status', 'running'] },
        },
        handle: queryByBody,
      },
    },
  },
  {
    name: 'query_fields',
    path: '/2/query/{name}/fields',
    methods: {
      GET: {
        access: 'look',
        opcode: null,
        doc: 'Describes the fields of a resource.',
        args: { fields: { kind: 'text', doc: 'Names of fields, separated by commas; by default all.' } },
        answer: z.object({ fields: z.array(fieldInfo) }),
        example: { items: ['instance'] },
        handle: (call) => call.manager.queryFields(call.principal, item(call), fieldArgument(call)),
      },
    },
  },
];

/** The body has `qfilter`, or `filter` as its old name. @throws MerapiError wrong_input */
function queryByBody(call: Call): Promise<unknown> {
  if (call.body === undefined || call.body === null)
    throw new MerapiError('wrong_input', "The body must be a JSON object with 'fields' and 'qfilter'");
  const body = bodyObject(call);
  const fields = body.fields === undefined ? required(fieldArgument(call)) : fieldList(body.fields);
  return query(call, fields, body.qfilter ?? body.filter ?? null);
}

/** Runs a query; the response is made while it is sent. @throws MerapiError wrong_input for a wrong filter or unknown resource */
async function query(call: Call, fields: readonly string[], filter: Json): Promise<JsonPieces> {
  const resource = item(call);
  const { rows, ...head } = await call.manager.queryRows(call.principal, resource, fields, filter);
  return jsonTable(head, 'data', resource === 'job' ? jobRows(rows, fields) : rows);
}

/** Rows of a query about jobs, with their values in Ganeti's form. */
async function* jobRows(
  rows: AsyncIterable<readonly Cell[]>,
  fields: readonly string[],
): AsyncGenerator<readonly Cell[]> {
  for await (const cells of rows)
    yield cells.map(([status, value], index) => [status, showJobField(fields[index] ?? '', value)] as const);
}

/** The names in the argument `fields`, which are separated by commas; null when it is not given. */
function fieldArgument(call: Call): string[] | null {
  const text = call.query.text('fields');
  return text === null ? null : text.split(',').map((name) => name.trim());
}

/** @throws MerapiError wrong_input when there are none */
function required(fields: string[] | null): string[] {
  if (fields === null)
    throw new MerapiError('wrong_input', "Argument 'fields' is missing: field names, separated by commas");
  return fields;
}
