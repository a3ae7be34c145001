import type * as z from 'zod';
import type { Principal } from '../../access/principal.ts';
import type { Clock } from '../../base/clock.ts';
import { MerapiError } from '../../base/errors.ts';
import type { Json } from '../../base/json.ts';
import { faultTexts } from '../../base/schema-words.ts';
import type { Manager } from '../../manager/define.ts';
import type { Action } from '../../model/access.ts';
import type { OpcodeId } from '../../opcodes/registry.ts';
import type { QueryArgs } from './query.ts';

/** Who uses the API now, and who was turned away since the start. */
interface Traffic {
  connections: number;
  connections_turned_away: number;
  streams: number;
  wrong_passwords: number;
  refused_passwords: number;
}

/** A request that has passed all checks of the protocol. */
export interface Call {
  readonly manager: Manager;
  readonly principal: Principal;
  /** The name of the resource, as reason trails show it. */
  readonly resource: string;
  /** What stands in the path where the resource's path has a {name} or an {id}. */
  readonly items: readonly string[];
  readonly query: QueryArgs;
  /** Undefined when the request has none. */
  readonly body: Json | undefined;
  readonly clock: Clock;
  /** What tells the request from others: its method, address and body. */
  fingerprint(): string;
  /** The value of a header; null when it is not given. */
  header(name: string): string | null;
  /** What fires when the client is gone or the server ends; to be asked for once. */
  signal(): AbortSignal;
  /** How long a request may wait for a change, in milliseconds. */
  readonly waitTimeout: number;
  /** Who uses the API now, and who was turned away since the start. */
  traffic(): Traffic;
  /** How long a stream of events is silent at most, in milliseconds. */
  readonly heartbeat: number;
}

/** An argument of the URL: a `flag` is 0 or 1, `texts` may be given several times. */
export interface Argument {
  readonly kind: 'flag' | 'text' | 'texts';
  /** One sentence for the docs. */
  readonly doc: string;
}
export type Arguments = Readonly<Record<string, Argument>>;

/** An argument of the URL that decides a parameter of an opcode. */
export interface ParamArgument extends Argument {
  /** The parameter; by default it has the argument's name. */
  readonly param?: string;
  /** The parameter's value when the argument is not given; by default the opcode's own. */
  readonly fallback?: unknown;
}

/** How a request becomes an opcode. */
export interface Submission {
  /** The parameters that the items of the path decide, in their order. */
  readonly items?: readonly string[];
  /** Parameters that this path decides by itself. */
  readonly fixed?: Readonly<Record<string, unknown>>;
  readonly args?: Readonly<Record<string, ParamArgument>>;
  /** Names of parameters in the body that differ from the opcode's own. */
  readonly body?: Renames;
  /** Members of the body that are no parameters and must be there with these values. */
  readonly constants?: Readonly<Record<string, number>>;
  /** Whether dry_run stands in the opcode only where the URL says so, or the body: as Ganeti has it in some resources. */
  readonly quietDryRun?: boolean;
  /** Parameters that no request may give. */
  readonly forbidden?: readonly string[];
}

/** How parameters that come in the body differ in name from those of the opcode. */
export type Renames = Readonly<Record<string, string>>;

/** The parts of a request that differ from one to the next. */
export interface Example {
  readonly items: readonly string[];
  /** Argument and value, one for each time that it is given. */
  readonly args?: readonly (readonly [string, string])[];
  readonly body?: unknown;
}

/** What one HTTP method does to a resource. */
export interface Method {
  /** What the user must be allowed to do. */
  readonly access: Action;
  /** The opcode that it submits, if any; the answer is then the job's id. */
  readonly opcode: OpcodeId | null;
  /** One sentence for the docs; without it the opcode's summary stands there. */
  readonly doc?: string;
  /** The arguments of the URL that it takes. */
  readonly args?: Arguments;
  /** What the body holds; without it the method takes none. */
  readonly body?: z.ZodType;
  /** What it answers; without it the id of a job. */
  readonly answer?: z.ZodType;
  /** How the request becomes the opcode, where that is all that it does; clients are made from it. */
  readonly submission?: Submission;
  /** A request for the docs; without it one without arguments and body. */
  readonly example?: Example;
  /** Gives what is answered as JSON. @throws MerapiError */
  handle(call: Call): unknown;
}

/** The methods that resources of the RAPI have. */
export type HttpMethod = 'GET' | 'PUT' | 'POST' | 'DELETE';

/** One path of the RAPI with its methods. */
export interface Resource {
  /** Ganeti's name for it, e.g. instances_name_startup. */
  readonly name: string;
  /** The path; {name} stands for a name, {id} for a number. */
  readonly path: string;
  readonly methods: Readonly<Partial<Record<HttpMethod, Method>>>;
}

/** The regular expression that a path, still encoded, must match as a whole; it captures the {name}s and {id}s. */
export function pathPattern(path: string): RegExp {
  const pattern = path.replaceAll('{name}', '([\\w._-]+)').replaceAll('{id}', '([0-9]+)');
  return new RegExp(`^${pattern}$`);
}

/** The item of the path at this place. */
export function item(call: Call, place = 0): string {
  const text = call.items[place];
  if (text === undefined) throw new Error(`Resource ${call.resource} has no item ${place} in its path`);
  return text;
}

/** The body as an object; an absent or null body is an empty one. @throws MerapiError wrong_input */
export function bodyObject(call: Call): { [key: string]: Json } {
  const { body } = call;
  if (body === undefined || body === null) return {};
  if (typeof body === 'object' && !Array.isArray(body)) return body;
  throw new MerapiError('wrong_input', 'The body must be a JSON object');
}

/** How many faults of a body are told: a long list may have one in each item. */
const FAULTS_TOLD = 10;

/**
 * The body, or what is given in its place, as a schema describes it.
 * @throws MerapiError wrong_input saying which parts are wrong and what would be right
 */
export function bodyAs<T extends z.ZodType>(
  call: Call,
  schema: T,
  given: { [key: string]: unknown } = bodyObject(call),
): z.infer<T> {
  const { success, data, error } = schema.safeParse(given);
  if (success) return data;
  const faults = faultTexts(schema, error.issues.slice(0, FAULTS_TOLD), given);
  throw new MerapiError('wrong_input', `The body is not right: ${faults.join('; ')}`);
}

/** The names of fields that a body gives. @throws MerapiError wrong_input */
export function fieldList(fields: Json | undefined): string[] {
  if (Array.isArray(fields) && fields.every((field) => typeof field === 'string')) return fields as string[];
  throw new MerapiError('wrong_input', "The body must have 'fields', a list of names of fields");
}
