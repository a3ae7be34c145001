// `merapi instance guest NAME VERB …`: what a guest does and tells through its agent.
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { Command, Option } from 'commander';
import { MerapiError } from '../../../base/errors.ts';
import type { Json } from '../../../base/json.ts';
import { type Connection, connecting, withClient } from '../connect.ts';
import { outline, print } from '../show.ts';
import { copy } from './copy.ts';
import { execute } from './exec.ts';
import { shell } from './shell.ts';
import { Guest, whole } from './target.ts';

interface GuestOptions extends Connection {
  json?: boolean;
  quiet?: boolean;
}

/** Calls work with the guest; its options are those of `guest` itself and of the verb. */
type WithGuest = (work: (guest: Guest, options: GuestOptions) => Promise<unknown>) => Promise<void>;

/** Adds `guest NAME VERB …`. The name comes before the verb, so the verbs are commands of their own. */
export function guestCommand(instance: Command): void {
  instance.enablePositionalOptions();
  connecting(
    instance
      .command('guest')
      .description("Asks a guest's agent, and runs programs, copies files and more in the guest.")
      .usage('[options] <instance-name> <verb> [arguments]')
      .argument('<instance-name>')
      .argument('[verb]', 'see merapi instance guest NAME --help')
      .argument('[arguments...]')
      .passThroughOptions()
      .option('--json', 'print JSON')
      .option('--quiet', 'do not show the logs of jobs'),
  ).action(async (name: string, verb: string | undefined, words: string[], options: GuestOptions) => {
    await verbs(name, options).parseAsync(verb === undefined ? ['--help'] : [verb, ...words], {
      from: 'user',
    });
  });
}

/** The verbs for one guest. */
function verbs(name: string, outer: GuestOptions): Command {
  const guest = new Command(`merapi instance guest ${name}`)
    .description('What a guest does and tells through its agent.')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({ writeErr: () => undefined });
  const withGuest =
    (own: GuestOptions): WithGuest =>
    (work) => {
      const options = { ...outer, ...own };
      return withClient(options, async (client) => {
        const quiet = options.quiet ?? true; // these jobs log nothing of interest, unless they fail
        const result = await work(new Guest(client, name, quiet), options);
        if (result !== undefined) print(result, options.json, () => textOf(result));
      });
    };
  reads(guest, withGuest);
  programs(guest, withGuest);
  accounts(guest, withGuest);
  fileSystems(guest, withGuest);
  machine(guest, withGuest);
  return guest;
}

function textOf(value: unknown): string {
  if (value === null) return '';
  return typeof value === 'object' ? outline(value) : `${String(value)}\n`;
}

const verb = (guest: Command, words: string, sentence: string) =>
  guest.command(words).description(sentence).option('--json', 'print JSON');

function reads(guest: Command, withGuest: (own: GuestOptions) => WithGuest): void {
  verb(guest, 'info', 'show how the agent stands, and what it tells of the guest').action(
    (own: GuestOptions) =>
      withGuest(own)(async (target) => {
        const { commands: _, ...standing } = (await target.read('')) as { [key: string]: Json };
        const told: [string, string][] = [
          ['hostname', '/hostname'],
          ['os', '/osinfo'],
          ['network', '/network'],
        ];
        const parts: { [key: string]: Json } = {};
        for (const [part, path] of told) {
          const answer = await target.read(path).catch(() => null);
          if (answer !== null) parts[part] = (answer as { return: Json }).return;
        }
        return { ...standing, ...parts };
      }),
  );
  for (const part of [
    ...['ping', 'osinfo', 'hostname', 'timezone', 'users', 'time', 'network', 'routes', 'load', 'vcpus'],
    ...[
      'memory-blocks',
      'memory-block-info',
      'filesystems',
      'disks',
      'diskstats',
      'cpustats',
      'devices',
      'fsfreeze',
    ],
  ])
    verb(guest, `get-${part}`, `show the answer of /guest/${part}`).action((own: GuestOptions) =>
      withGuest(own)(async (target) => {
        const answer = (await target.read(`/${part}`)) as { return?: Json };
        return answer.return === undefined ? answer : answer.return;
      }),
    );
  verb(
    guest,
    'command <execute> [arguments]',
    'send any command to the agent; its arguments are a JSON object',
  ).action((command: string, args: string | undefined, own: GuestOptions) =>
    withGuest(own)(async (target) => {
      const body = { execute: command, ...(args === undefined ? {} : { arguments: objectIn(args) }) };
      return ((await target.client.ask('POST', target.at('/command'), body)) as { return: Json }).return;
    }),
  );
}

function objectIn(words: string): Json {
  try {
    return JSON.parse(words) as Json;
  } catch (cause) {
    throw new MerapiError(
      'wrong_input',
      `The arguments must be a JSON object, e.g. '{"path": "/etc/hosts"}'`,
      { cause },
    );
  }
}

interface ExecWords extends GuestOptions {
  env?: string[];
  timeout?: number;
  stream: boolean;
}

function programs(guest: Command, withGuest: (own: GuestOptions) => WithGuest): void {
  const collect = (value: string, earlier?: string[]) => [...(earlier ?? []), value];
  verb(
    guest,
    'exec <program> [arguments...]',
    'run a program with this standard input and output; exits as it does',
  )
    .passThroughOptions()
    .option('--env <NAME=VALUE>', 'a variable of its environment; may be repeated', collect)
    .option('--timeout <seconds>', 'wait no longer for its end', whole)
    .option('--no-stream', 'show its output when it has ended')
    .action((program: string, args: string[], own: ExecWords) =>
      withGuest(own)(async (target, options) => {
        process.exitCode = await execute(target, [program, ...args], { ...own, json: options.json ?? false });
      }),
    );
  verb(guest, 'shell', 'work in a shell of the guest').action((own: GuestOptions) =>
    withGuest(own)(async (target) => {
      process.exitCode = await shell(target);
    }),
  );
  verb(
    guest,
    'cp <from> <to>',
    'copy a file; the path in the guest begins with a colon, e.g. cp hosts :/etc/hosts',
  )
    .option('-r, --recursive', 'copy a folder with all in it', false)
    .action((from: string, to: string, own: GuestOptions & { recursive: boolean }) =>
      withGuest(own)((target) => copy(target, from, to, own.recursive)),
    );
}

function accounts(guest: Command, withGuest: (own: GuestOptions) => WithGuest): void {
  const user = (name: string) => encodeURIComponent(name);
  verb(guest, 'passwd <user>', 'set the password of a user; it is read from standard input')
    .option('--crypted', 'the standard input is a hash in the form of crypt(3)', false)
    .action((name: string, own: GuestOptions & { crypted: boolean }) =>
      withGuest(own)(async (target) => {
        if (process.stdin.isTTY) process.stderr.write('Password, then Enter and Ctrl-D: ');
        const [password] = (await text(process.stdin)).split(/\r?\n/);
        if (!password)
          throw new MerapiError('wrong_input', 'The password is missing: write it to standard input');
        await target.change('PUT', `/users/${user(name)}/password`, { password, crypted: own.crypted });
      }),
    );
  verb(
    guest,
    'ssh-key <action> <user> [files...]',
    'list, add, remove or replace the public SSH keys of a user',
  )
    .addHelpText(
      'after',
      '\nACTION is list, add, remove or replace; FILES contain keys, by default standard input does.',
    )
    .action((action: string, name: string, files: string[], own: GuestOptions) =>
      withGuest(own)(async (target) => {
        const path = `/users/${user(name)}/ssh-keys`;
        if (action === 'list') return ((await target.read(path)) as { return: { keys: Json } }).return.keys;
        if (!['add', 'remove', 'replace'].includes(action))
          throw new MerapiError(
            'wrong_input',
            `ACTION must be list, add, remove or replace, not '${action}'`,
          );
        const texts =
          files.length > 0
            ? await Promise.all(files.map((file) => readFile(file, 'utf8')))
            : [await text(process.stdin)];
        const keys = texts
          .flatMap((each) => each.split('\n'))
          .map((line) => line.trim())
          .filter((line) => line !== '' && !line.startsWith('#'));
        await target.change('PUT', path, { keys, action });
        return undefined;
      }),
    );
}

function fileSystems(guest: Command, withGuest: (own: GuestOptions) => WithGuest): void {
  verb(guest, 'fsfreeze [mountpoints...]', 'freeze file systems; prints how many')
    .option('--ttl <seconds>', 'thaw them after so many seconds at the latest', whole)
    .action((mountpoints: string[], own: GuestOptions & { ttl?: number }) =>
      withGuest(own)((target) =>
        target.change('PUT', '/fsfreeze', {
          ...(mountpoints.length > 0 ? { mountpoints } : {}),
          ...(own.ttl === undefined ? {} : { ttl: own.ttl }),
        }),
      ),
    );
  verb(guest, 'fsthaw', 'thaw file systems; prints how many').action((own: GuestOptions) =>
    withGuest(own)((target) => target.change('DELETE', '/fsfreeze')),
  );
  verb(guest, 'fstrim', 'discard unused blocks; prints what was trimmed')
    .option('--minimum <bytes>', 'the smallest free range that is discarded', whole)
    .action((own: GuestOptions & { minimum?: number }) =>
      withGuest(own)((target) =>
        target.change('PUT', '/fstrim', own.minimum === undefined ? {} : { minimum: own.minimum }),
      ),
    );
}

function machine(guest: Command, withGuest: (own: GuestOptions) => WithGuest): void {
  verb(
    guest,
    'set-time [time]',
    "set the guest's clock: `now` for that of this machine, or a date such as 2026-12-24T18:00:00Z; by default that of its hardware",
  ).action((time: string | undefined, own: GuestOptions) =>
    withGuest(own)((target) =>
      target.change('PUT', '/time', time === undefined ? {} : { time: nanosecondsOf(time) }),
    ),
  );
  verb(guest, 'vcpus [numbers...]', 'show the virtual processors, or bring these online or offline')
    .addOption(
      new Option('--set <state>', 'the state of the given processors').choices(['online', 'offline']),
    )
    .action((numbers: string[], own: GuestOptions & { set?: string }) =>
      withGuest(own)(async (target) => {
        if (own.set === undefined) return ((await target.read('/vcpus')) as { return: Json }).return;
        const vcpus = numbers.map((number) => ({
          'logical-id': whole(number),
          online: own.set === 'online',
        }));
        return target.change('PUT', '/vcpus', { vcpus });
      }),
    );
  verb(
    guest,
    'power <action>',
    'let the guest shut down, halt, reboot, suspend-ram, suspend-disk or suspend-hybrid',
  ).action((action: string, own: GuestOptions) =>
    withGuest(own)((target) => target.change('PUT', '/power', { action })),
  );
}

function nanosecondsOf(time: string): Json {
  const milliseconds = time === 'now' ? Date.now() : Date.parse(time);
  if (Number.isNaN(milliseconds))
    throw new MerapiError(
      'wrong_input',
      `TIME must be now or a date such as 2026-12-24T18:00:00Z, not '${time}'`,
    );
  return BigInt(milliseconds) * 1_000_000n;
}
