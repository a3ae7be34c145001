// The entry point of the command line. It must start fast: modules that take long to load (Zod schemas, the opcode registry, the store)
// are imported in the actions that need them, so that help and wrong options are answered at once.

import { fileURLToPath } from 'node:url';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { CommandFailed } from '../app/command-failed.ts';
import type { NodeCommand } from '../app/node.ts';
import type { MasterCommand } from '../app/open.ts';
import type { UpCommand } from '../app/up.ts';
import type { BackupCommand } from '../backup/backup.ts';
import type { RestoreCommand } from '../backup/restore.ts';
import { errorText, MerapiError } from '../base/errors.ts';
import { installed } from '../base/installation.ts';
import { VERSION } from '../base/version.ts';
import { clientCommands } from './commands/nouns.ts';
import { addUser, hashUser, listUsers, removeUser } from './users.ts';

/** Where bin/start builds the demo guest: `build/demo/os` of the installed Merapi. */
const DEMO_OS = fileURLToPath(installed('build/demo/os'));

const loadUp = () => import('../app/up.ts');

function portNumber(text: string): number {
  const port = Number(text);
  if (!/^[0-9]+$/.test(text) || port > 65535)
    throw new InvalidArgumentError('It must be a number from 0 to 65535.');
  return port;
}

/** An empty address is refused: Node.js would listen on all addresses. */
function hostAddress(text: string): string {
  if (text.trim() === '')
    throw new InvalidArgumentError(
      'It must be an address or a host name, e.g. 127.0.0.1, or 0.0.0.0 for all.',
    );
  return text;
}

function connectionCount(text: string): number {
  const count = Number(text);
  if (!/^[0-9]+$/.test(text) || count < 2 || count > 1_000_000)
    throw new InvalidArgumentError('It must be a number from 2 to 1000000.');
  return count;
}

/** Adds an origin in the form that browsers send in the Origin header: no path, lower case, no default port. */
function origins(text: string, earlier: string[] = []): string[] {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isOrigin = /^https?:\/\/[^/?#@]+\/?$/i.test(text);
  if (!url || !isOrigin)
    throw new InvalidArgumentError('It must be an origin such as https://console.example.com.');
  return [...earlier, url.origin];
}

/** Collects the values of a repeated option. */
const collect = (value: string, earlier?: string[]) => [...(earlier ?? []), value];

/** Adds the options of commands that run a master. */
function serving(command: Command): Command {
  return command
    .option('--dir <dir>', 'the state folder', 'var')
    .option('--users <file>', 'the users file (default: DIR/rapi/users)')
    .option('--bind <address>', 'the address that the RAPI listens on', hostAddress, '127.0.0.1')
    .option('-p, --port <number>', 'the port of the RAPI; 0 means any free port', portNumber, 5080)
    .option('--no-ssl', 'serve HTTP instead of HTTPS')
    .option('--require-authentication', 'require a password for reading too', false)
    .option(
      '--max-connections <number>',
      'the most connections that the RAPI accepts at a time (default: what the limit of open files allows, up to 4096)',
      connectionCount,
    )
    .option(
      '--allow-origin <origin>',
      'an origin whose pages may use the RAPI in browsers, such as https://console.example.com; may be repeated',
      origins,
    );
}

const accel = () =>
  new Option('--accel <kind>', 'how QEMU runs guests (default: what is available)').choices(['kvm', 'tcg']);

/** All commands; those that talk to a master have no subcommands yet (commands/index.ts adds them). */
function program(): Command {
  const merapi = new Command('merapi')
    .description("A cluster manager for virtual machines that speaks Ganeti's remote API.")
    .version(`merapi ${VERSION}`)
    .enablePositionalOptions() // `node --dir` and `node list --dir` are two different options
    .exitOverride()
    .configureOutput({ writeErr: () => undefined }); // end() prints what is wrong, in one line
  serving(merapi.command('up').description('run a cluster on this machine: the master and its nodes'))
    .option('--cluster <file>', 'the cluster file: describes the cluster to create when DIR contains none')
    .addOption(
      new Option(
        '--os-folder <dir>',
        'OS definitions for a cluster that is created without a cluster file',
      ).default(DEMO_OS, 'the demo guest'),
    )
    .option('--stop-instances', 'shut down the instances when the master ends', false)
    .addOption(accel())
    .action(async (options: UpCommand) => (await loadUp()).runUp(options));
  merapi
    .command('init')
    .description('create a cluster without starting it')
    .requiredOption('--cluster <file>', 'the cluster file, which describes the cluster')
    .option('--dir <dir>', 'the state folder', 'var')
    .action(async (options: { dir: string; cluster: string }) =>
      (await loadUp()).runInit(options.dir, options.cluster),
    );
  serving(merapi.command('master').description('run the master alone')).action(
    async (options: MasterCommand) => (await loadUp()).runMaster(options),
  );
  merapi
    .command('node')
    .description('run the worker of one or more nodes; or show and change nodes')
    .option('--dir <dir>', "a node's folder (DIR/nodes/NAME of its cluster); may be repeated", collect)
    .option('--bind <address>', 'the address to listen on', hostAddress)
    .option('--port <number>', 'the port to listen on', portNumber)
    .addOption(accel())
    .action(async ({ dir, ...options }: Partial<NodeCommand>) => {
      if (!dir)
        throw new MerapiError('wrong_input', '--dir is missing: the folder of the node whose worker to run');
      await (await import('../app/node.ts')).runNode({ dir, ...options } as NodeCommand);
    });
  stateCommands(merapi);
  for (const [name, sentence] of Object.entries(clientCommands)) merapi.command(name).description(sentence);
  userCommands(merapi.command('user').description('change who may use the RAPI'));
  merapi
    .command('version')
    .description('print the version')
    .action(() => void process.stdout.write(`merapi ${VERSION}\n`));
  return merapi;
}

/** The commands that check, back up and restore a state folder. */
function stateCommands(merapi: Command): void {
  const withProblems = '--with-problems';
  merapi
    .command('check')
    .description(
      'verify the state, with the master running or not, and correct the permissions of its files; exits with 1 when something is wrong',
    )
    .option('--dir <dir>', 'the state folder', 'var')
    .option('--json', 'print JSON', false)
    .action(async (options: { dir: string; json: boolean }) =>
      (await import('../check/check.ts')).runCheck(options.dir, options.json),
    );
  merapi
    .command('backup <file>')
    .description('write the state into one file, with the master running or not')
    .option('--dir <dir>', 'the state folder', 'var')
    .option('--force', 'replace an existing file', false)
    .option(withProblems, 'keep the backup even if something is wrong with the state', false)
    .action(async (file: string, options: BackupCommand) =>
      (await import('../backup/backup.ts')).runBackup(file, options),
    );
  merapi
    .command('restore <file>')
    .description('restore the state in a backup to a folder in which no master is running')
    .requiredOption('--dir <dir>', 'the state folder')
    .option('--force', 'replace an existing cluster, which is kept in another folder', false)
    .option(withProblems, 'restore even if something is wrong with the state in the backup', false)
    .action(async (file: string, options: RestoreCommand) =>
      (await import('../backup/restore.ts')).runRestore(file, options),
    );
}

/** The commands that edit the users file. */
function userCommands(user: Command): void {
  const file = () => new Option('--users <file>', 'the users file').default('var/rapi/users');
  user
    .command('add <name>')
    .description('add a user or change the password; it is read from standard input')
    .addOption(file())
    .addOption(
      new Option('--rights <rights>', 'what the user may do')
        .choices(['none', 'read', 'write'])
        .default('read'),
    )
    .action((name: string, options: { users: string; rights: 'none' | 'read' | 'write' }) =>
      addUser(options.users, name, options.rights),
    );
  user
    .command('list')
    .description('list the users and what they may do')
    .addOption(file())
    .action((options: { users: string }) => listUsers(options.users));
  user
    .command('remove <name>')
    .description('remove a user')
    .addOption(file())
    .option('--yes', 'do not ask, even if it is the user of the commands on this machine', false)
    .action((name: string, options: { users: string; yes: boolean }) =>
      removeUser(options.users, name, options.yes),
    );
  user
    .command('hash <name>')
    .description('print the hash of a password, read from standard input, for use in a users file')
    .action(hashUser);
}

/** The message of commander about a wrong command line, in one line. */
function usageText({ code, message }: CommanderError): string {
  if (code === 'commander.help') return 'The command is missing; merapi --help lists the commands';
  return `${message.replace(/^error: /, '')} (see --help)`;
}

/**
 * Prints an error in one line and exits: with 1 when the command failed, with 2 for wrong options, input and files. Anything else is a
 * defect: it is printed with its stack, and the exit code is 1.
 */
function end(error: unknown): never {
  if (error instanceof CommanderError && error.exitCode === 0) process.exit(0);
  const isUsage = error instanceof CommanderError;
  const isKnown = error instanceof MerapiError && error.code !== 'internal_error';
  const isSystem = typeof (error as NodeJS.ErrnoException).syscall === 'string';
  if (error instanceof CommandFailed) {
    process.stderr.write(`merapi: ${error.message.replace(/\s*\n\s*/g, ' ')}\n`);
    process.exit(1);
  }
  const { path } = error as NodeJS.ErrnoException;
  const where = isSystem && path ? `${path}: ` : '';
  const text = isUsage ? usageText(error) : `${where}${errorText(error)}`;
  if (isUsage || isKnown || isSystem) {
    process.stderr.write(`merapi: ${text.replace(/\s*\n\s*/g, ' ')}\n`);
    process.exit(2);
  }
  process.stderr.write(`merapi: ${(error as Error).stack ?? text}\n`);
  process.exit(1);
}

/** Parses and runs the command line; adds the commands that need the API only when one of them is used. */
async function main(): Promise<void> {
  process.umask(0o077); // files are accessible to their owner only, also those of SQLite and of programs that we start
  const merapi = program();
  const [wanted = '', next = ''] = process.argv.slice(2);
  // `merapi node --dir …` runs a worker, `merapi node VERB` talks to the API.
  const isNodeVerb = wanted === 'node' && (!next.startsWith('-') || /^(-h|--help)$/.test(next));
  if (wanted === 'help' || isNodeVerb || Object.hasOwn(clientCommands, wanted))
    (await import('./commands/index.ts')).fillClientCommands(merapi);
  await merapi.parseAsync();
}

await main().catch(end);
