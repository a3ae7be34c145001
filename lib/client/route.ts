// How the parameters of opcodes are put into requests of the API. The routes themselves are generated from the resources (routes.ts).

import type { Json } from '../base/json.ts';

/** The request by which an opcode is submitted over the API. */
export interface Route {
  readonly method: string;
  /** The path, with one placeholder like {name} for each parameter in `items`. */
  readonly path: string;
  readonly items: readonly string[];
  /** Parameters whose values follow from the path itself. */
  readonly fixed: Readonly<Record<string, Json>>;
  /** Parameters that are arguments of the URL, with the names of the arguments. */
  readonly args: Readonly<Record<string, string>>;
  /** Parameters that have another name in the body, with that name. */
  readonly body: Readonly<Record<string, string>>;
  /** Members of the body that are not parameters, such as a version. */
  readonly constants: Readonly<Record<string, Json>>;
  /** Parameters that the API does not accept. */
  readonly forbidden: readonly string[];
}

/** A request of the API. */
export interface Request {
  method: string;
  /** The path with its arguments. */
  address: string;
  body?: { [key: string]: Json };
}

/** The request that submits an opcode with these parameters. */
export function requestOf(route: Route, params: Readonly<Record<string, Json>>): Request {
  const rest = { ...params }; // what take() leaves goes into the body
  const take = (name: string): Json | undefined => {
    const value = rest[name];
    delete rest[name];
    return value;
  };
  const items = route.items.map((name) => encodeURIComponent(String(take(name) ?? '')));
  const path = route.path.replace(/\{\w+\}/g, () => items.shift() ?? '');
  const args = new URLSearchParams();
  const all = { ...route.args, dry_run: 'dry-run' };
  for (const [param, name] of Object.entries(all))
    for (const value of [take(param) ?? []].flat())
      args.append(name, typeof value === 'boolean' ? String(Number(value)) : String(value));
  const query = args.size > 0 ? `?${args}` : '';
  const members = Object.entries(rest).map(([name, value]) => [route.body[name] ?? name, value]);
  const body = { ...route.constants, ...Object.fromEntries(members) };
  return {
    method: route.method,
    address: path + query,
    ...(Object.keys(body).length > 0 ? { body } : {}),
  };
}
