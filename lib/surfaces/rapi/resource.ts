// The types that describe the RAPI: a Resource is a path with its HTTP methods, a Method says what one of them accepts, returns and
// does, and a Call is one request to it. Routing (app.ts), documentation, OpenAPI and the client's routes are derived from the
// resources, so a new path needs only an entry in a file of ./resources.
import type * as z from 'zod';
import type { Principal } from '../../access/principal.ts';
import type { Clock } from '../../base/clock.ts';
import { MerapiError } from '../../base/errors.ts';
import type { Json } from '../../base/json.ts';
import { faultTexts, secretFaultTexts } from '../../base/schema-words.ts';
import type { Manager } from '../../manager/define.ts';
import type { Action } from '../../model/access.ts';
import type { OpcodeId } from '../../opcodes/registry.ts';
import type { QueryArgs } from './query.ts';

/** The answer of GET /2/traffic: the current use of the API, and what was refused since the start of the master. */
interface Traffic {
  connections: number;
  connections_turned_away: number;
  streams: number;
  wrong_passwords: number;
  refused_passwords: number;
}

/** A request that has passed the checks of the protocol: path, method, user, access and the form of the body. */
export interface Call {
  readonly manager: Manager;
  readonly principal: Principal;
  /** The name of the resource, as reason trails show it. */
  readonly resource: string;
  /** The parts of the path that match a {name} or an {id} of the resource's path, in order; not percent-decoded. */
  readonly items: readonly string[];
  readonly query: QueryArgs;
  /** The parsed body; undefined when the request has none. */
  readonly body: Json | undefined;
  /** The bytes of the body, as they arrive, where the method accepts some and the request has them. */
  readonly octets: AsyncIterable<Buffer> | null;
  readonly clock: Clock;
  /** A hash of the method, the URL and the body: equal for a request that is repeated. */
  fingerprint(): string;
  /** The value of a header; null when it is not given. */
  header(name: string): string | null;
  /**
   * A signal that fires when the client disconnects or the server closes. To be called at most once, since from then on the request
   * counts as a waiting one. @throws MerapiError unavailable when too many requests wait
   */
  signal(): AbortSignal;
  /** How long a request for changes of a job waits at most, in milliseconds. */
  readonly waitTimeout: number;
  traffic(): Traffic;
  /** After how many milliseconds without an event a stream of events sends a heartbeat. */
  readonly heartbeat: number;
}

/** An argument in the query string: a `flag` is 0 or 1, `texts` may be given several times. */
export interface Argument {
  readonly kind: 'flag' | 'text' | 'texts';
  /** One sentence for the docs. */
  readonly doc: string;
}
/** Arguments in the query string, by name. */
export type Arguments = Readonly<Record<string, Argument>>;

/** An argument in the query string that sets a parameter of an opcode. */
export interface ParamArgument extends Argument {
  /** The parameter; by default it has the argument's name. */
  readonly param?: string;
  /** The parameter's value when the argument is not given; without it the opcode's default applies. */
  readonly fallback?: unknown;
}

/** How a request becomes an opcode. */
export interface Submission {
  /** The parameters that the items of the path set, in the order of the items. */
  readonly items?: readonly string[];
  /** Parameters that have these values in every request to this path. */
  readonly fixed?: Readonly<Record<string, unknown>>;
  /** The arguments beside `dry-run` and `reason`, which every submission has. */
  readonly args?: Readonly<Record<string, ParamArgument>>;
  /** Parameters that have another name in the body than in the opcode. */
  readonly body?: Renames;
  /** Members of the body that are no parameters and must be present with these values. */
  readonly constants?: Readonly<Record<string, number>>;
  /**
   * Whether the opcode has `dry_run` only when the URL or the body gives it; otherwise the URL always sets it. Ganeti differs in
   * this between its resources, and the parameters of a job show it.
   */
  readonly optionalDryRun?: boolean;
  /** Parameters of the opcode that a request must not contain. */
  readonly forbidden?: readonly string[];
}

/** From the name of a parameter in the body to its name in the opcode. */
export type Renames = Readonly<Record<string, string>>;

/** An example request for the documentation: what differs from one request to another. */
export interface Example {
  readonly items: readonly string[];
  /** Pairs of argument and value; an argument with several values occurs several times. */
  readonly args?: readonly (readonly [string, string])[];
  readonly body?: unknown;
}

/** One HTTP method of a resource: who may use it, what it accepts and returns, and the code that handles it. */
export interface Method {
  /** What the user must be allowed to do, to at least one object. */
  readonly access: Action;
  /** The opcode that it submits, or null; with an opcode it returns the job's id. */
  readonly opcode: OpcodeId | null;
  /** One sentence for the docs; by default the opcode's summary. */
  readonly doc?: string;
  /** The arguments in the query string that it accepts. */
  readonly args?: Arguments;
  /** The schema of the body; without it the method accepts no body. */
  readonly body?: z.ZodType;
  /** Whether it also accepts a body of bytes (application/octet-stream): then Call.octets has them. */
  readonly octets?: true;
  /** The schema of the response; by default the id of a job. */
  readonly answer?: z.ZodType;
  /** How the request becomes the opcode, where the method does nothing else; the routes of lib/client are generated from it. */
  readonly submission?: Submission;
  /** A request for the docs; by default one without arguments and body. */
  readonly example?: Example;
  /**
   * Returns the response: a value that is sent as JSON, or one of the classes in stream.ts for texts and streams.
   * @throws MerapiError, RefusedRequest
   */
  handle(call: Call): unknown;
}

/** The HTTP methods that resources of the RAPI support. */
export type HttpMethod = 'GET' | 'PUT' | 'POST' | 'DELETE';

/** One path of the RAPI with its methods. */
export interface Resource {
  /** Ganeti's name for it, e.g. instances_name_startup. */
  readonly name: string;
  /** The path; {name} stands for a name, {id} for a number. */
  readonly path: string;
  readonly methods: Readonly<Partial<Record<HttpMethod, Method>>>;
}

/** The regular expression that a whole path, still percent-encoded, must match; it captures the {name}s and {id}s. */
export function pathPattern(path: string): RegExp {
  const pattern = path.replaceAll('{name}', '([\\w._-]+)').replaceAll('{id}', '([0-9]+)');
  return new RegExp(`^${pattern}$`);
}

/** The item of the path with this index. @throws Error when the resource's path has fewer items: that is a defect */
export function item(call: Call, index = 0): string {
  const text = call.items[index];
  if (text === undefined) throw new Error(`Resource ${call.resource} has no item ${index} in its path`);
  return text;
}

/** The body as an object; empty when the body is absent or null. @throws MerapiError wrong_input for another JSON value */
export function bodyObject(call: Call): { [key: string]: Json } {
  const { body } = call;
  if (body === undefined || body === null) return {};
  if (typeof body === 'object' && !Array.isArray(body)) return body;
  throw new MerapiError('wrong_input', 'The body must be a JSON object');
}

/** How many errors of a body a message names at most: a long list may have one in each item. */
const MAX_REPORTED_FAULTS = 10;

/** Like bodyAs(), for a body with secrets: messages do not repeat its values. @throws MerapiError wrong_input */
export function secretBodyAs<T extends z.ZodType>(call: Call, schema: T): z.infer<T> {
  const { success, data, error } = schema.safeParse(bodyObject(call));
  if (success) return data;
  const faults = secretFaultTexts(schema, error.issues.slice(0, MAX_REPORTED_FAULTS));
  throw new MerapiError('wrong_input', `The body is invalid: ${faults.join('; ')}`);
}

/**
 * The body, or the value given in its place, parsed by a schema.
 * @throws MerapiError wrong_input naming the wrong parts and what is expected there
 */
export function bodyAs<T extends z.ZodType>(
  call: Call,
  schema: T,
  given: { [key: string]: unknown } = bodyObject(call),
): z.infer<T> {
  const { success, data, error } = schema.safeParse(given);
  if (success) return data;
  const faults = faultTexts(schema, error.issues.slice(0, MAX_REPORTED_FAULTS), given);
  throw new MerapiError('wrong_input', `The body is invalid: ${faults.join('; ')}`);
}

/** The member `fields` of a body, a list of field names. @throws MerapiError wrong_input when it is anything else */
export function fieldList(fields: Json | undefined): string[] {
  if (Array.isArray(fields) && fields.every((field) => typeof field === 'string')) return fields as string[];
  throw new MerapiError('wrong_input', "The body must have 'fields', a list of field names");
}
