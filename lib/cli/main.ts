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

/** What takes long to load is loaded where it is needed: help, wrong options and users are told at once. */
const running = () => import('../app/up.ts');

function portNumber(text: string): number {
  const port = Number(text);
  if (!/^[0-9]+$/.test(text) || port > 65535)
    throw new InvalidArgumentError('It must be a number from 0 to 65535.');
  return port;
}

/** An empty address would be taken for all of them. */
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

/** Origins as browsers write them. */
function origins(text: string, earlier: string[] = []): string[] {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isOrigin = /^https?:\/\/[^/?#@]+\/?$/i.test(text);
  if (!url || !isOrigin)
    throw new InvalidArgumentError('It must be an origin such as https://console.example.com.');
  return [...earlier, url.origin];
}

const collect = (value: string, earlier?: string[]) => [...(earlier ?? []), value];

function serving(command: Command): Command {
  return command
    .option('--dir <dir>', 'the state folder', 'var')
    .option('--users <file>', 'the users file (default: DIR/rapi/users)')
    .option('--bind <address>', 'the address that the RAPI listens on', hostAddress, '127.0.0.1')
    .option('-p, --port <number>', 'the port of the RAPI; 0 takes a free one', portNumber, 5080)
    .option('--no-ssl', 'serve HTTP instead of HTTPS')
    .option('--require-authentication', 'let nobody read without a password', false)
    .option(
      '--max-connections <number>',
      'how many connections the RAPI takes at once (default: as the limit of open files allows, 4096 at most)',
      connectionCount,
    )
    .option(
      '--allow-origin <origin>',
      'an origin whose pages may use the RAPI in browsers, such as https://console.example.com; may be repeated',
      origins,
    );
}

const accel = () =>
  new Option('--accel <kind>', 'how QEMU runs guests (default: what works)').choices(['kvm', 'tcg']);

function program(): Command {
  const merapi = new Command('merapi')
    .description("A cluster manager for virtual machines that speaks Ganeti's remote API.")
    .version(`merapi ${VERSION}`)
    .enablePositionalOptions() // `node --dir` and `node list --dir` are two things
    .exitOverride()
    .configureOutput({ writeErr: () => undefined }); // main() tells what is wrong, in one line
  serving(merapi.command('up').description('run a cluster on this machine: the master and its nodes'))
    .option('--cluster <file>', 'describes the cluster to make when DIR holds none')
    .addOption(
      new Option('--os-folder <dir>', 'OS definitions for the cluster made without a file').default(
        DEMO_OS,
        'the demo guest',
      ),
    )
    .option('--stop-instances', 'shut the instances down at the end', false)
    .addOption(accel())
    .action(async (options: UpCommand) => (await running()).runUp(options));
  merapi
    .command('init')
    .description('make a cluster without starting it')
    .requiredOption('--cluster <file>', 'describes the cluster')
    .option('--dir <dir>', 'the state folder', 'var')
    .action(async (options: { dir: string; cluster: string }) =>
      (await running()).runInit(options.dir, options.cluster),
    );
  serving(merapi.command('master').description('run the master alone')).action(
    async (options: MasterCommand) => (await running()).runMaster(options),
  );
  merapi
    .command('node')
    .description('run the worker of one or more nodes; or look at nodes and change them')
    .option('--dir <dir>', "a node's folder (DIR/nodes/NAME of its cluster); may be repeated", collect)
    .option('--bind <address>', 'the address to listen on', hostAddress)
    .option('--port <number>', 'the port to listen on', portNumber)
    .addOption(accel())
    .action(async ({ dir, ...options }: Partial<NodeCommand>) => {
      if (!dir) throw new MerapiError('wrong_input', "Say with --dir which node's worker to run");
      await (await import('../app/node.ts')).runNode({ dir, ...options } as NodeCommand);
    });
  careCommands(merapi);
  for (const [name, sentence] of Object.entries(clientCommands)) merapi.command(name).description(sentence);
  userCommands(merapi.command('user').description('change who may use the RAPI'));
  merapi
    .command('version')
    .description('print the version')
    .action(() => void process.stdout.write(`merapi ${VERSION}\n`));
  return merapi;
}

/** The commands that take care of a state folder. */
function careCommands(merapi: Command): void {
  const withProblems = '--with-problems';
  merapi
    .command('check')
    .description(
      'verify the state, with the master running or not, and mend who may reach its files; ends with 1 when something is wrong',
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
    .option('--force', 'take the place of a file that is there', false)
    .option(withProblems, 'keep the backup even if something is wrong with the state', false)
    .action(async (file: string, options: BackupCommand) =>
      (await import('../backup/backup.ts')).runBackup(file, options),
    );
  merapi
    .command('restore <file>')
    .description('put the state of a backup into a folder, while no master runs there')
    .requiredOption('--dir <dir>', 'the state folder')
    .option('--force', 'take the place of the cluster that is there; it is kept beside', false)
    .option(withProblems, 'restore even if something is wrong with the state in the backup', false)
    .action(async (file: string, options: RestoreCommand) =>
      (await import('../backup/restore.ts')).runRestore(file, options),
    );
}

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

/** What commander says of a wrong command line, in one line. */
function usageText({ code, message }: CommanderError): string {
  if (code === 'commander.help') return 'Say what to do; merapi --help tells more';
  return `${message.replace(/^error: /, '')} (--help tells more)`;
}

/** Bad options and files are told in one line with status 2; anything unexpected is a defect and shows where it happened. */
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

/** The command line, with the commands that it needs. */
async function main(): Promise<void> {
  process.umask(0o077); // whatever is made is for its owner only, also by SQLite and by programs that are started
  const merapi = program();
  const [wanted = '', next = ''] = process.argv.slice(2);
  const asksNodes = wanted === 'node' && (!next.startsWith('-') || /^(-h|--help)$/.test(next));
  if (wanted === 'help' || asksNodes || Object.hasOwn(clientCommands, wanted))
    (await import('./commands/index.ts')).fillClientCommands(merapi);
  await merapi.parseAsync();
}

await main().catch(end);
