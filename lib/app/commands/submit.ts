import { type Command, Option } from 'commander';
import { type Json, stringifyJson } from '../../base/json.ts';
import type { Submittable } from '../../client/client.ts';
import type { Route } from '../../client/route.ts';
import { routes } from '../../client/routes.ts';
import type { Param } from '../../model/params.ts';
import { allParams, type Opcode } from '../../opcodes/define.ts';
import { opcodes } from '../../opcodes/registry.ts';
import { type Connection, connecting, withClient } from './connect.ts';
import { follow } from './jobs.ts';
import { print } from './show.ts';
import { valueFrom } from './values.ts';

const singular: Readonly<Record<string, string>> = {
  instances: 'instance',
  'instances-multi-alloc': 'instance',
  nodes: 'node',
  groups: 'group',
  networks: 'network',
};

/** What a route is called on the command line: the noun of its path, and what is done to it. */
function nameOf({ method, path }: Route): { noun: string; verb: string } {
  const [first = '', ...rest] = path.split('/').slice(2);
  const noun = singular[first] ?? 'cluster';
  const words = rest.filter((part) => !part.startsWith('{'));
  if (noun === 'cluster') return { noun, verb: [first, ...words].join('-') };
  if (words.length > 0)
    return { noun, verb: [...(method === 'DELETE' ? ['remove'] : []), ...words].join('-') };
  if (first.endsWith('-multi-alloc')) return { noun, verb: 'multi-alloc' };
  return { noun, verb: method === 'DELETE' ? 'remove' : 'add' };
}

const optionName = (param: string) => param.replaceAll('_', '-');
const isTruth = (param: Param) => /^(None or )?\(?Boolean\)?$/.test(param.type);

function optionOf(name: string, param: Param): Option {
  const flags = isTruth(param) ? `--${optionName(name)} [yes|no]` : `--${optionName(name)} <value>`;
  return new Option(flags, param.doc)
    .argParser((text: string, earlier: string[] | undefined) => [
      ...(Array.isArray(earlier) ? earlier : []),
      text,
    ])
    .makeOptionMandatory(param.required);
}

interface SubmitOptions extends Connection {
  submit?: boolean;
  json?: boolean;
  quiet?: boolean;
  [param: string]: unknown;
}

/** Adds a command for every opcode that the API takes: the parameters are its options. */
export function opcodeCommands(nounOf: (name: string) => Command): void {
  for (const [id, route] of Object.entries(routes) as [Submittable, Route][]) {
    const opcode = opcodes[id] as unknown as Opcode;
    const { noun, verb } = nameOf(route);
    const params = Object.entries(allParams(opcode)).filter(
      ([name]) => !Object.hasOwn(route.fixed, name) && !route.forbidden.includes(name) && name !== 'reason',
    );
    const positional = positionals(opcode, route);
    const command = nounOf(noun).command(verb).description(opcode.summary);
    for (const name of positional) command.argument(`<${optionName(name)}>`, opcode.params[name]?.doc);
    for (const [name, param] of params)
      if (!positional.includes(name)) command.addOption(optionOf(name, param));
    connecting(command)
      .option('--submit', 'only submit the job, and print its id')
      .option('--quiet', "do not show the job's log")
      .option('--json', 'print the result as JSON')
      .action((...args: unknown[]) => run(id, args.slice(0, positional.length) as string[], command.opts()));
    const parse = (name: string, texts: readonly string[]) =>
      valueFrom(allParams(opcode)[name] as Param, texts);
    const run = (opcodeId: Submittable, names: readonly string[], options: SubmitOptions) => {
      const values: Record<string, Json> = {};
      for (const [place, name] of positional.entries())
        values[name] = parse(name, [names[place] ?? '']) as Json;
      for (const [name] of params) {
        const given = options[camel(name)];
        if (given === undefined || positional.includes(name)) continue;
        try {
          values[name] = (given === true ? true : parse(name, given as string[])) as Json;
        } catch (error) {
          command.error(
            `error: option '--${optionName(name)}' has a wrong value. ${(error as Error).message}`,
          );
        }
      }
      return withClient(options, async (client) => {
        const job = await client.submit(opcodeId, values as never);
        if (options.submit) return void process.stdout.write(`${job}\n`);
        const { opresult } = await follow(client, job, options.quiet);
        const [result = null] = opresult;
        print(result, options.json, () => (result === null ? '' : `${stringifyJson(result)}\n`));
      });
    };
  }
}

/** The parameters that stand without a name: those of the path, or the name of what is made. */
function positionals({ summaryField, params }: Opcode, { items, method }: Route): readonly string[] {
  if (items.length > 0 || method !== 'POST' || summaryField === null) return items;
  return params[summaryField]?.required ? [summaryField] : [];
}

const camel = (param: string) => param.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
