import type { Command } from 'commander';
import { CommandFailed } from '../../app/command-failed.ts';
import { MerapiError } from '../../base/errors.ts';
import { type Json, parseJson } from '../../base/json.ts';
import type { QueryAnswer } from '../../query/define.ts';
import { type Connection, connecting, withClient } from './connect.ts';
import { objectsOf, outline, print, tableText } from './show.ts';

/** A kind of objects as commands name it. */
export interface Noun {
  readonly name: string;
  /** The resource of queries. */
  readonly resource: string;
  /** The field by which objects are named. */
  readonly key: string;
  /** The fields of its listing. */
  readonly fields: readonly string[];
  /** The path of one object, or null where none has one. */
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

/** How often a watched list is read again, in milliseconds. */
const WATCH_INTERVAL = 1000;

function reading(command: Command): Command {
  return connecting(command)
    .option('-o, --output <fields>', 'the fields to show, with commas; +FIELD adds to the usual ones')
    .option('--filter <json>', 'a filter of the query language, e.g. \'["=", "status", "running"]\'')
    .option('--no-titles', 'leave the titles out')
    .option('--json', 'print JSON');
}

function wantedFields(output: string | undefined, usual: readonly string[]): string[] {
  if (output === undefined) return [...usual];
  const names = output.replace(/^\+/, '').split(',').filter(Boolean);
  return output.startsWith('+') ? [...usual, ...names] : names;
}

function filterOf(noun: Noun, names: readonly string[], text: string | undefined): Json {
  const filter = text === undefined ? null : parseJson(text);
  if (names.length === 0) return filter;
  const isNumber = noun.key === 'id';
  const named = ['|', ...names.map((name) => ['=', noun.key, isNumber ? Number(name) : name])];
  return filter === null ? named : ['&', named, filter];
}

/** @throws MerapiError wrong_input when a field that was asked for does not exist */
function refuseUnknown({ fields }: QueryAnswer, resource: string): void {
  const unknown = fields.filter(({ kind }) => kind === 'unknown').map(({ name }) => `'${name}'`);
  if (unknown.length === 0) return;
  throw new MerapiError(
    'wrong_input',
    `There is no field ${unknown.join(' or ')} of ${resource}; merapi query ${resource} lists those that there are`,
  );
}

/** @throws CommandFailed when a name that was asked for stands for nothing */
function refuseMissing(
  { data }: QueryAnswer,
  noun: Noun,
  names: readonly string[],
  fields: readonly string[],
  isFiltered: boolean,
): void {
  if (isFiltered || data.length >= new Set(names).size) return;
  const place = fields.indexOf(noun.key);
  const found = place < 0 ? [] : data.map((row) => String(row[place]?.[1]));
  const isFound = (name: string) => found.some((each) => each === name || each.startsWith(`${name}.`));
  const missing = place < 0 ? names : names.filter((name) => !isFound(name));
  throw new CommandFailed(
    `There is no ${noun.name} ${missing.map((name) => `'${name}'`).join(' or ')}; merapi ${noun.name} list shows those that there are`,
  );
}

/** `merapi NOUN list` and `merapi NOUN info`. */
export function objectCommands(command: Command, noun: Noun): void {
  const list = reading(command.command(`list [${noun.key}s...]`).description(`list ${noun.name}s`));
  if (noun.name === 'job') list.option('--watch', 'show the list again and again, until Ctrl-C');
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
  connecting(command.command(`info <${noun.key}>`).description(`all about one ${noun.name}`))
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
  reading(command.argument('<resource>', 'what; without -o its fields are told')).action(
    (resource: string, options: ListOptions) =>
      withClient(options, async (client) => {
        if (options.output === undefined) {
          const { fields } = await client.fields(resource);
          const text = () => fields.map(({ name, doc }) => `${name}: ${doc}\n`).join('');
          print(fields, options.json, text);
          return;
        }
        if (options.output.startsWith('+'))
          throw new MerapiError('wrong_input', 'There are no usual fields to add to');
        const filter = options.filter === undefined ? null : parseJson(options.filter);
        const answer = await client.query(resource, wantedFields(options.output, []), filter);
        refuseUnknown(answer, resource);
        print(objectsOf(answer), options.json, () => tableText(answer, options.titles));
      }),
  );
}
