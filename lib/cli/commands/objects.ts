// The commands `list` and `info` of objects, and `merapi query`. All listings use the query API, so they have its fields and filters.

import type { Command } from 'commander';
import { CommandFailed } from '../../app/command-failed.ts';
import { MerapiError } from '../../base/errors.ts';
import type { Json } from '../../base/json.ts';
import type { QueryAnswer } from '../../query/define.ts';
import { type Connection, connecting, withClient } from './connect.ts';
import { jsonOption } from './json-option.ts';
import { objectsOf, outline, print, tableText } from './show.ts';

/** A kind of object with commands of its own. */
export interface Noun {
  /** The name of the command. */
  readonly name: string;
  /** The resource for queries. */
  readonly resource: string;
  /** The field that identifies an object on the command line. */
  readonly key: string;
  /** The default fields of its listing. */
  readonly fields: readonly string[];
  /** The URL path before the name of an object; null when the API has no path for single objects. */
  readonly path: string | null;
}

/** The kinds of objects that can be listed. */
export const nouns: readonly Noun[] = [
  {
    name: 'instance',
    resource: 'instance',
    key: 'name',
    fields: ['name', 'hypervisor', 'os', 'pnode', 'status', 'oper_ram', 'disk_usage'],
    path: '/2/instances/',
  },
  {
    name: 'node',
    resource: 'node',
    key: 'name',
    fields: ['name', 'role', 'group', 'dtotal', 'dfree', 'mtotal', 'mfree', 'pinst_cnt', 'sinst_cnt'],
    path: '/2/nodes/',
  },
  {
    name: 'group',
    resource: 'group',
    key: 'name',
    fields: ['name', 'node_cnt', 'pinst_cnt', 'alloc_policy', 'tags'],
    path: '/2/groups/',
  },
  {
    name: 'network',
    resource: 'network',
    key: 'name',
    fields: ['name', 'network', 'gateway', 'mac_prefix', 'free_count', 'group_list'],
    path: '/2/networks/',
  },
  { name: 'job', resource: 'job', key: 'id', fields: ['id', 'status', 'summary'], path: null },
  {
    name: 'filter',
    resource: 'filter',
    key: 'uuid',
    fields: ['uuid', 'watermark', 'priority', 'predicates', 'action'],
    path: '/2/filters/',
  },
  { name: 'export', resource: 'export', key: 'export', fields: ['node', 'export'], path: null },
];

interface ListOptions extends Connection {
  output?: string;
  filter?: string;
  titles: boolean;
  json?: boolean;
  watch?: boolean;
}

/** Milliseconds between two refreshes of a watched list. */
const WATCH_INTERVAL = 1000;

/** Adds the options of commands that print a table. */
function reading(command: Command): Command {
  return connecting(command)
    .option(
      '-o, --output <fields>',
      'the fields to show, separated by commas; +FIELD,… adds to the default ones',
    )
    .option('--filter <json>', 'a filter of the query language, e.g. \'["=", "status", "running"]\'')
    .option('--no-titles', 'print no titles')
    .option('--json', 'print JSON');
}

function wantedFields(output: string | undefined, defaults: readonly string[]): string[] {
  if (output === undefined) return [...defaults];
  const names = output.replace(/^\+/, '').split(',').filter(Boolean);
  return output.startsWith('+') ? [...defaults, ...names] : names;
}

/** The filter of the query language for the given names and the text of --filter; null selects all objects. */
function filterOf(noun: Noun, names: readonly string[], text: string | undefined): Json {
  const filter = text === undefined ? null : jsonOption('filter', text);
  if (names.length === 0) return filter;
  const isNumber = noun.key === 'id';
  const named = ['|', ...names.map((name) => ['=', noun.key, isNumber ? Number(name) : name])];
  return filter === null ? named : ['&', named, filter];
}

/** @throws MerapiError wrong_input when a requested field does not exist */
function refuseUnknown({ fields }: QueryAnswer, resource: string): void {
  const unknown = fields.filter(({ kind }) => kind === 'unknown').map(({ name }) => `'${name}'`);
  if (unknown.length === 0) return;
  throw new MerapiError(
    'wrong_input',
    `There is no field ${unknown.join(' or ')} of ${resource}; merapi query ${resource} lists its fields`,
  );
}

/** @throws CommandFailed when there is no object with a requested name. With a filter it may just not match, so that is no error. */
function refuseMissing(
  { data }: QueryAnswer,
  noun: Noun,
  names: readonly string[],
  fields: readonly string[],
  isFiltered: boolean,
): void {
  if (isFiltered || data.length >= new Set(names).size) return;
  const column = fields.indexOf(noun.key);
  const found = column < 0 ? [] : data.map((row) => String(row[column]?.[1]));
  const isFound = (name: string) => found.some((each) => each === name || each.startsWith(`${name}.`)); // short host names
  const missing = column < 0 ? names : names.filter((name) => !isFound(name));
  throw new CommandFailed(
    `There is no ${noun.name} ${missing.map((name) => `'${name}'`).join(' or ')}; merapi ${noun.name} list shows all`,
  );
}

/** `merapi NOUN list` and `merapi NOUN info`. */
export function objectCommands(command: Command, noun: Noun): void {
  const list = reading(command.command(`list [${noun.key}s...]`).description(`list ${noun.name}s`));
  if (noun.name === 'job') list.option('--watch', 'refresh the list every second, until Ctrl-C');
  list.action((names: string[], options: ListOptions) =>
    withClient(options, async (client) => {
      const fields = wantedFields(options.output, noun.fields);
      const filter = filterOf(noun, names, options.filter);
      for (;;) {
        const answer = await client.query(noun.resource, fields, filter);
        refuseUnknown(answer, noun.resource);
        refuseMissing(answer, noun, names, fields, options.filter !== undefined);
        if (options.watch && process.stdout.isTTY) process.stdout.write('\u001b[2J\u001b[H');
        print(objectsOf(answer), options.json, () => tableText(answer, options.titles));
        if (!options.watch) return;
        await new Promise((done) => setTimeout(done, WATCH_INTERVAL));
      }
    }),
  );
  if (noun.path === null) return;
  connecting(command.command(`info <${noun.key}>`).description(`show the details of one ${noun.name}`))
    .option('--json', 'print JSON')
    .action((name: string, options: ListOptions) =>
      withClient(options, async (client) => {
        const found = await client.ask('GET', `${noun.path}${encodeURIComponent(name)}`);
        print(found, options.json, () => outline(found));
      }),
    );
}

/** `merapi query RESOURCE`: any fields of any resource. */
export function queryCommand(command: Command): void {
  reading(command.argument('<resource>', 'the resource; without -o its fields are listed')).action(
    (resource: string, options: ListOptions) =>
      withClient(options, async (client) => {
        if (options.output === undefined) {
          const { fields } = await client.fields(resource);
          const text = () => fields.map(({ name, doc }) => `${name}: ${doc}\n`).join('');
          print(fields, options.json, text);
          return;
        }
        if (options.output.startsWith('+'))
          throw new MerapiError(
            'wrong_input',
            `merapi query has no default fields to which '${options.output}' could be added; leave out the '+'`,
          );
        const filter = options.filter === undefined ? null : jsonOption('filter', options.filter);
        const answer = await client.query(resource, wantedFields(options.output, []), filter);
        refuseUnknown(answer, resource);
        print(objectsOf(answer), options.json, () => tableText(answer, options.titles));
      }),
  );
}
