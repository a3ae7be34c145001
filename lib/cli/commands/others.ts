// The commands for tags and job filters, and those that print the answer of one GET request.

import { type Command, InvalidArgumentError } from 'commander';
import { MerapiError } from '../../base/errors.ts';
import type { Json } from '../../base/json.ts';
import { type Connection, connecting, withClient } from './connect.ts';
import { follow } from './jobs.ts';
import { jsonOption } from './json-option.ts';
import { outline, print } from './show.ts';

interface Options extends Connection {
  json?: boolean;
  submit?: boolean;
}

/** The URL paths of the objects with tags, by the kind on the command line. */
const folders: Readonly<Record<string, string>> = {
  cluster: '/2',
  instance: '/2/instances/',
  node: '/2/nodes/',
  group: '/2/groups/',
  network: '/2/networks/',
};

/** The URL path of an object's tags. @throws MerapiError wrong_input for a kind without tags or a missing name */
function tagPath(kind: string, name: string | undefined): string {
  const folder = folders[kind];
  if (folder === undefined)
    throw new MerapiError(
      'wrong_input',
      `'${kind}' has no tags; there are ${Object.keys(folders).join(', ')}`,
    );
  if (kind === 'cluster') return `${folder}/tags`;
  if (name === undefined) throw new MerapiError('wrong_input', `The name of the ${kind} is missing`);
  return `${folder}${encodeURIComponent(name)}/tags`;
}

/** `merapi tag list|add|remove KIND [NAME] TAG…`; the cluster has no NAME. */
export function tagCommands(tag: Command): void {
  connecting(tag.command('list <kind> [name]').description('list the tags of an object'))
    .option('--json', 'print JSON')
    .action((kind: string, name: string | undefined, options: Options) =>
      withClient(options, async (client) => {
        const tags = (await client.ask('GET', tagPath(kind, name))) as string[];
        print(tags, options.json, () => tags.map((text) => `${text}\n`).join(''));
      }),
    );
  for (const [verb, method] of [
    ['add', 'PUT'],
    ['remove', 'DELETE'],
  ] as const)
    connecting(
      tag.command(`${verb} <kind> <words...>`).description(`${verb} tags: the object's name, then tags`),
    )
      .option('--submit', 'only submit the job, and print its id')
      .action((kind: string, words: string[], options: Options) =>
        withClient(options, async (client) => {
          const [name, ...tags] = kind === 'cluster' ? [undefined, ...words] : words;
          if (tags.length === 0) throw new MerapiError('wrong_input', 'The tags are missing');
          const args = tags.map((text) => `tag=${encodeURIComponent(String(text))}`).join('&');
          const job = (await client.ask(method, `${tagPath(kind, name)}?${args}`)) as number;
          if (options.submit) process.stdout.write(`${job}\n`);
          else await follow(client, job);
        }),
      );
}

/** Adds a command that prints the answer of a GET request. */
export function readCommand(parent: Command, name: string, description: string, path: string): void {
  connecting(parent.command(name).description(description))
    .option('--json', 'print JSON')
    .action((options: Options) =>
      withClient(options, async (client) => {
        const found = await client.ask('GET', path);
        const isList = Array.isArray(found) && found.every((item) => typeof item === 'string');
        print(found, options.json, () =>
          isList ? found.map((item) => `${item}\n`).join('') : outline(found),
        );
      }),
    );
}

interface FilterOptions extends Options {
  priority: number;
  predicates: string;
  action: string;
  why?: string;
}

function integer(text: string): number {
  if (!/^-?[0-9]{1,9}$/.test(text)) throw new InvalidArgumentError('It must be an integer.');
  return Number(text);
}

/** `merapi filter add|remove`. */
export function filterCommands(filter: Command): void {
  connecting(filter.command('add').description('add a job filter; prints its uuid'))
    .option('--priority <number>', 'filters with smaller numbers come first', integer, 0)
    .option(
      '--predicates <json>',
      'the jobs that it applies to, e.g. \'[["opcode", ["=", "OP_ID", "OP_INSTANCE_CREATE"]]]\'',
      '[]',
    )
    .option('--action <action>', 'ACCEPT, CONTINUE, PAUSE, REJECT or \'["RATE_LIMIT", 2]\'', 'CONTINUE')
    .option('--why <text>', 'the reason')
    .action((options: FilterOptions) =>
      withClient(options, async (client) => {
        const body: Json = {
          priority: options.priority,
          predicates: jsonOption('predicates', options.predicates),
          action: options.action.startsWith('[') ? jsonOption('action', options.action) : options.action,
        };
        const args = options.why === undefined ? '' : `?reason=${encodeURIComponent(options.why)}`;
        process.stdout.write(`${await client.ask('POST', `/2/filters${args}`, body)}\n`);
      }),
    );
  connecting(filter.command('remove <uuid>').description('remove a job filter')).action(
    (uuid: string, options: Options) =>
      withClient(options, async (client) => {
        await client.ask('DELETE', `/2/filters/${encodeURIComponent(uuid)}`);
      }),
  );
}
