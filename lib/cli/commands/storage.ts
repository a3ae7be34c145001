// Commands for the storage units of nodes. They are not made by submit.ts, because the API has them under paths of their own, with the
// parameters as arguments of the URL.

import { type Command, Option } from 'commander';
import type { Json } from '../../base/json.ts';
import { listedStorage } from '../../model/storage.ts';
import { type Connection, connecting, withClient } from './connect.ts';
import { follow } from './jobs.ts';
import { print } from './show.ts';

interface StorageOptions extends Connection {
  type: string;
  fields: string;
  allocatable: string;
  json?: boolean;
  submit?: boolean;
}

const required = (flags: string, doc: string, values: readonly string[]) =>
  new Option(flags, doc).choices(values).makeOptionMandatory().helpGroup('Required:');

/** `merapi node storage-list|storage-modify|storage-repair`: the storage units of a node. */
export function storageCommands(node: Command): void {
  const unit = (verb: string, description: string): Command =>
    connecting(
      node
        .command(verb)
        .description(description)
        .addOption(required('--type <type>', 'the kind of storage', listedStorage)),
    ).option('--submit', 'only submit the job, and print its id');
  const run = async (options: StorageOptions, method: string, address: string): Promise<Json> =>
    withClient(options, async (client) => {
      const job = (await client.ask(method, address)) as number;
      if (options.submit) {
        process.stdout.write(`${job}\n`);
        return null;
      }
      return (await follow(client, job, true)).opresult[0] ?? null;
    });
  const path = (name: string, verb: string, args: Record<string, string>) =>
    `/2/nodes/${encodeURIComponent(name)}/storage${verb}?${new URLSearchParams(args)}`;

  unit('storage-list <node>', 'list the storage units of a node')
    .option(
      '--fields <names>',
      'the fields to show, separated by commas: node, type, name, size, used, free, allocatable',
      'name,size,used,free',
    )
    .option('--json', 'print JSON')
    .action(async (name: string, options: StorageOptions) => {
      const args = { storage_type: options.type, output_fields: options.fields };
      const rows = await run(options, 'GET', path(name, '', args));
      if (rows !== null)
        print(rows, options.json, () => (rows as Json[][]).map((row) => `${row.join('  ')}\n`).join(''));
    });
  unit('storage-modify <node> <unit>', 'set whether new volumes may be created in a storage unit')
    .addOption(required('--allocatable <yes|no>', 'whether they may', ['yes', 'no']))
    .action(async (name: string, what: string, options: StorageOptions) => {
      const allocatable = options.allocatable === 'yes' ? '1' : '0';
      await run(
        options,
        'PUT',
        path(name, '/modify', { storage_type: options.type, name: what, allocatable }),
      );
    });
  unit('storage-repair <node> <unit>', 'repair a storage unit').action(
    async (name: string, what: string, options: StorageOptions) => {
      await run(options, 'PUT', path(name, '/repair', { storage_type: options.type, name: what }));
    },
  );
}
