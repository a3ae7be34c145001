// How commands that talk to the API find a master and authenticate: by options, environment variables, or the local state folder.

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { CommandFailed } from '../../app/command-failed.ts';
import { layoutOf } from '../../app/layout.ts';
import { MerapiError } from '../../base/errors.ts';
import { readFileOrNull } from '../../base/files.ts';
import { Client, RefusedError } from '../../client/client.ts';

/** The options of a command that talks to the API. */
export interface Connection {
  dir: string;
  url?: string;
  user?: string;
  cacert?: string;
  insecure?: boolean;
}

/** Adds the options of every command that talks to the API. */
export function connecting(command: Command): Command {
  const grouped = (option: Option) => option.helpGroup('Connection:');
  return command
    .addOption(
      grouped(
        new Option('--dir <dir>', 'the state folder of a master on this machine')
          .default('var')
          .env('MERAPI_DIR'),
      ),
    )
    .addOption(
      grouped(new Option('--url <url>', 'the API (default: that of the master in DIR)').env('MERAPI_URL')),
    )
    .addOption(
      grouped(
        new Option('--user <name>', 'the user; the password comes from MERAPI_PASSWORD').env('MERAPI_USER'),
      ),
    )
    .addOption(grouped(new Option('--cacert <file>', 'the authority to trust').env('MERAPI_CACERT')))
    .addOption(grouped(new Option('--insecure', 'accept any certificate')));
}

/**
 * Calls `use` with a client and closes it afterwards. Without --url the client connects to the master of the state folder; unless the
 * options or the environment say otherwise, as the user admin with the password in that folder.
 * @throws MerapiError configuration when no master is found, CommandFailed when the API refuses a request
 */
export async function withClient<T>(options: Connection, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(await clientOptions(options));
  try {
    return await use(client);
  } catch (error) {
    if (error instanceof RefusedError) throw new CommandFailed(error.message, { cause: error });
    throw error;
  } finally {
    await client.close();
  }
}

async function clientOptions(options: Connection): Promise<ConstructorParameters<typeof Client>[0]> {
  const layout = layoutOf(resolve(options.dir));
  const url = options.url ?? (await readFileOrNull(layout.rapiUrl))?.trim();
  if (!url)
    throw new MerapiError(
      'configuration',
      `No master is running in ${layout.dir}; start one, or give the URL of another with --url`,
    );
  const isLocal = options.url === undefined;
  let ca: string | null = null;
  if (options.cacert) ca = await readFile(options.cacert, 'utf8');
  else if (isLocal) ca = await readFileOrNull(layout.authorityFile);
  const user = await credentials(options, isLocal ? layout.adminPassword : null);
  return { url, ...(user ? { user } : {}), ...(ca ? { ca } : {}), insecure: options.insecure ?? false };
}

/** The user to authenticate as; null for anonymous requests. `adminFile` is the file with the password of the local admin. */
async function credentials(
  options: Connection,
  adminFile: string | null,
): Promise<{ name: string; password: string } | null> {
  const given = process.env.MERAPI_PASSWORD;
  if (given !== undefined) return { name: options.user ?? 'admin', password: given };
  if (options.user !== undefined && options.user !== 'admin')
    throw new MerapiError(
      'wrong_input',
      `The password of ${options.user} is missing: put it into MERAPI_PASSWORD`,
    );
  const kept = adminFile && (await readFileOrNull(adminFile));
  return kept ? { name: 'admin', password: kept.trim() } : null;
}
