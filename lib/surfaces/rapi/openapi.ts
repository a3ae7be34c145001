// The OpenAPI document of the RAPI, derived from its resources and from the opcodes that they submit.
import * as z from 'zod';
import { VERSION } from '../../base/version.ts';
import { opcodes } from '../../opcodes/registry.ts';
import type { Argument, HttpMethod, Method, Resource } from './resource.ts';
import { JsonText } from './stream.ts';

type JsonObject = { [key: string]: unknown };

/** A Zod schema of an input as JSON Schema, without the `$schema` member that a part of a document must not have. */
const schemaOf = (schema: z.ZodType): JsonObject => {
  const { $schema: _, ...members } = z.toJSONSchema(schema, { unrepresentable: 'any', io: 'input' });
  return members;
};

/** The content of a request or response of JSON. */
const json = (schema: JsonObject): JsonObject => ({ 'application/json': { schema } });

/** One sentence for a method: its own, or that of its opcode. */
export function sentenceOf({ doc, opcode }: Method): string {
  return doc ?? (opcode ? opcodes[opcode].summary : '');
}

/** The names of the items of a path. */
const itemsOf = (path: string): string[] => [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '');

/** The JSON Schema of each kind of argument. */
const argumentSchemas: Readonly<Record<Argument['kind'], JsonObject>> = {
  flag: { type: 'integer', enum: [0, 1], default: 0 },
  text: { type: 'string' },
  texts: { type: 'array', items: { type: 'string' } },
};

function argument(name: string, { kind, doc }: Argument): JsonObject {
  return { name, in: 'query', required: false, description: doc, schema: argumentSchemas[kind] };
}

/** The OpenAPI operation of one method of a resource. */
function operation(resource: Resource, name: HttpMethod, method: Method): JsonObject {
  const items = itemsOf(resource.path).map((item) => ({
    name: item,
    in: 'path',
    required: true,
    schema: { type: item === 'id' ? 'integer' : 'string' },
  }));
  const args = Object.entries(method.args ?? {}).map(([arg, definition]) => argument(arg, definition));
  const isJob = method.answer === undefined && method.opcode !== null;
  const jobId = { type: 'integer' };
  const otherResponse = isJob ? jobId : {};
  const response = method.answer ? schemaOf(method.answer) : otherResponse;
  return {
    operationId: `${name.toLowerCase()}_${resource.name}`,
    summary: sentenceOf(method),
    description: isJob ? `Submits a job with ${method.opcode} and returns its id.` : undefined,
    parameters: [...items, ...args],
    requestBody: method.body && { content: json(schemaOf(method.body)) },
    security: method.access === 'look' ? [{}, { basic: [] }] : [{ basic: [] }],
    responses: {
      200: { description: isJob ? 'The id of the job.' : 'The result.', content: json(response) },
      default: { description: 'What is wrong.', content: json({ $ref: '#/components/schemas/Failure' }) },
    },
  };
}

/** The OpenAPI document of these resources. */
function openApi(resources: readonly Resource[]): JsonObject {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Merapi',
      version: VERSION,
      description: "Ganeti's remote API, as Merapi serves it.",
      license: { name: 'MIT' },
    },
    paths: Object.fromEntries(
      resources.map((resource) => [
        resource.path,
        Object.fromEntries(
          Object.entries(resource.methods).map(([name, method]) => [
            name.toLowerCase(),
            operation(resource, name as HttpMethod, method),
          ]),
        ),
      ]),
    ),
    components: {
      securitySchemes: { basic: { type: 'http', scheme: 'basic' } },
      schemas: {
        Failure: {
          type: 'object',
          required: ['code', 'message', 'explain'],
          properties: {
            code: { type: 'integer', description: 'The HTTP status.' },
            message: {
              type: 'string',
              description: 'What is wrong; a fixed text in 401, 403, 404 and 415.',
            },
            explain: { type: 'string', description: 'The fixed sentence of the status.' },
            detail: { type: 'string', description: 'What is wrong in this case, where message is fixed.' },
          },
        },
      },
    },
  };
}

/** The resource that returns the OpenAPI document of the others and of itself; the document is made at the first request. */
export function openApiResource(others: readonly Resource[]): Resource {
  let document: JsonText | null = null;
  const resource: Resource = {
    name: 'openapi',
    path: '/2/openapi.json',
    methods: {
      GET: {
        access: 'look',
        opcode: null,
        doc: 'Returns the OpenAPI document of this API.',
        answer: z.record(z.string(), z.unknown()),
        handle: () => {
          document ??= JsonText.of(openApi([...others, resource]));
          return document;
        },
      },
    },
  };
  return resource;
}
