// Makes a command for every opcode that the API accepts, from the registry: its parameters become arguments and options.

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
import { nameOf } from './opcode-names.ts';
import { print } from './show.ts';
import { valueFrom } from './values.ts';

/** The name of the option for a parameter, without the dashes before it. */
const optionName = (param: string) => param.replaceAll('_', '-');
/** Whether a parameter is a boolean, by its type in Ganeti's notation. Its option may be given without a value. */
const isBoolean = (param: Param) => /^(None or )?\(?Boolean\)?$/.test(param.type);

/** The option for a parameter. It may be repeated; all texts are collected, and valueFrom() converts them later. */
function optionOf(name: string, param: Param): Option {
  const flags = isBoolean(param) ? `--${optionName(name)} [yes|no]` : `--${optionName(name)} <value>`;
  const option = new Option(flags, `${param.doc} ${defaultText(param)}`.trim())
    .argParser((text: string, earlier: string[] | undefined) => [
      ...(Array.isArray(earlier) ? earlier : []),
      text,
    ])
    .makeOptionMandatory(param.required)
    .helpGroup(param.required ? 'Required:' : 'Options:');
  // commander takes --no-install for the negation of --install, but the parameter itself is called no_install.
  option.negate = false;
  return option;
}

/** The default of a parameter, for help; empty when there is none worth showing. */
function defaultText(param: Param): string {
  const value = param.default;
  if (param.required || value === null || isEmpty(value)) return '';
  if (typeof value === 'boolean') return `(default: ${value ? 'yes' : 'no'})`;
  return `(default: ${typeof value === 'string' ? value : stringifyJson(value)})`;
}

const isEmpty = (value: unknown) => typeof value === 'object' && Object.keys(Object(value)).length === 0;

/** A valid command line, from the opcode's example. */
function exampleOf(opcode: Opcode, title: string, positional: readonly string[]): string {
  const words = positional.map((name) => String(opcode.example[name] ?? ''));
  const options = Object.entries(opcode.example)
    .filter(([name]) => !positional.includes(name))
    .map(([name, value]) => `--${optionName(name)} ${wordOf(value)}`);
  return `\nExample:\n  merapi ${[title, ...words, ...options].join(' ')}\n`;
}

/** A value as an argument of a shell command. */
const wordOf = (value: unknown): string => {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return typeof value === 'object' ? `'${stringifyJson(value)}'` : String(value);
};

/** The options of these commands; parameters are under the names that commander makes of theirs (camel case). */
interface SubmitOptions extends Connection {
  submit?: boolean;
  json?: boolean;
  quiet?: boolean;
  [param: string]: unknown;
}

/** Adds a command for every opcode with a route. `nounOf` returns the parent command with a name, e.g. `instance`. */
export function opcodeCommands(nounOf: (name: string) => Command): void {
  for (const [id, route] of Object.entries(routes) as [Submittable, Route][]) {
    const opcode = opcodes[id] as unknown as Opcode;
    const { noun, verb } = nameOf(route);
    const params = Object.entries(allParams(opcode)).filter(
      ([name]) => !Object.hasOwn(route.fixed, name) && !route.forbidden.includes(name) && name !== 'reason',
    );
    const positional = positionals(opcode, route);
    const command = nounOf(noun).command(verb).description(opcode.summary);
    command.addHelpText('after', exampleOf(opcode, `${noun} ${verb}`, positional));
    for (const name of positional) command.argument(`<${optionName(name)}>`, opcode.params[name]?.doc);
    const isFirst = ([, param]: [string, Param]) => Number(!param.required);
    for (const [name, param] of params.toSorted((a, b) => isFirst(a) - isFirst(b)))
      if (!positional.includes(name)) command.addOption(optionOf(name, param));
    connecting(command)
      .option('--submit', 'only submit the job, and print its id')
      .option('--quiet', "do not show the job's log")
      .option('--json', 'print the result as JSON')
      .action((...args: unknown[]) => run(id, args.slice(0, positional.length) as string[], command.opts()));
    const parse = (name: string, texts: readonly string[]) =>
      valueFrom(name, allParams(opcode)[name] as Param, texts, opcode.example[name]);
    const run = (opcodeId: Submittable, names: readonly string[], options: SubmitOptions) => {
      const values: Record<string, Json> = {};
      for (const [index, name] of positional.entries())
        values[name] = parse(name, [names[index] ?? '']) as Json;
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

/** The parameters that are arguments instead of options: those in the path, or the name of the object to create. */
function positionals({ summaryField, params }: Opcode, { items, method }: Route): readonly string[] {
  if (items.length > 0 || method !== 'POST' || summaryField === null) return items;
  return params[summaryField]?.required ? [summaryField] : [];
}

/** The name under which commander stores an option. */
const camel = (param: string) => param.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
