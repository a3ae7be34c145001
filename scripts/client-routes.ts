// The text of lib/client/routes.ts: how each opcode is submitted over the API.
import { resources } from '../lib/surfaces/rapi/registry.ts';

/** The routes of all opcodes that a request can stand for; of several the first one. */
export function clientRoutes(): string {
  const lines = new Map<string, string>();
  for (const { path, methods } of resources)
    for (const [method, { opcode, submission }] of Object.entries(methods)) {
      if (!opcode || !submission || lines.has(opcode)) continue;
      const { items = [], fixed = {}, args = {}, body = {}, constants = {}, forbidden = [] } = submission;
      const route = {
        method,
        path,
        items,
        fixed,
        args: Object.fromEntries(Object.entries(args).map(([name, { param }]) => [param ?? name, name])),
        body: Object.fromEntries(Object.entries(body).map(([alias, name]) => [name, alias])),
        constants,
        forbidden,
      };
      lines.set(opcode, `  ${opcode}: ${JSON.stringify(route)},`);
    }
  return [
    '// Made by `npm run docs` from the resources of the API; change those, not this file.',
    "import type { Route } from './route.ts';",
    '',
    '/** How each opcode is submitted over the API. */',
    'export const routes = {',
    ...[...lines].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, line]) => line),
    '} as const satisfies Readonly<Record<string, Route>>;',
    '',
  ].join('\n');
}
