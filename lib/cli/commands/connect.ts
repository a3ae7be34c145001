import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { CommandFailed } from '../../app/command-failed.ts';
import { layoutOf } from '../../app/layout.ts';
import { MerapiError } from '../../base/errors.ts';
import { readFileOrNull } from '../../base/files.ts';
import { Client, RefusedError } from '../../client/client.ts';

/** How a command reaches the API. */
export interface Connection {
  dir: string;
  url?: string;
  user?: string;
  cacert?: string;
  insecure?: boolean;
}

/** Adds the options of every command that talks to the API. */
export function connecting(command: Command): Command {
  const hidden = (option: Option) => option.helpGroup('Connection:');
  return command
    .addOption(
      hidden(
        new Option('--dir <dir>', 'the state folder of a master on this machine')
          .default('var')
          .env('MERAPI_DIR'),
      ),
    )
    .addOption(
      hidden(new Option('--url <url>', 'the API (default: that of the master in DIR)').env('MERAPI_URL')),
    )
    .addOption(
      hidden(
        new Option('--user <name>', 'the user; the password comes from MERAPI_PASSWORD').env('MERAPI_USER'),
      ),
    )
    .addOption(hidden(new Option('--cacert <file>', 'the authority to trust').env('MERAPI_CACERT')))
    .addOption(hidden(new Option('--insecure', 'take any certificate')));
}

/**
 * Runs something with a client. Without --url it is the master of the state folder, as the user admin with the password
 * that was made with the folder, unless told otherwise.
 * @throws MerapiError configuration when there is no master to be found
 */
export async function withClient<T>(options: Connection, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(await whereAndWho(options));
  try {
    return await use(client);
  } catch (error) {
    if (error instanceof RefusedError) throw new CommandFailed(error.message, { cause: error });
    throw error;
  } finally {
    await client.close();
  }
}

async function whereAndWho(options: Connection): Promise<ConstructorParameters<typeof Client>[0]> {
  const layout = layoutOf(resolve(options.dir));
  const url = options.url ?? (await readFileOrNull(layout.rapiUrl))?.trim();
  if (!url)
    throw new MerapiError(
      'configuration',
      `No master runs in ${layout.dir}; start one, or say where one is with --url`,
    );
  const isLocal = options.url === undefined;
  const ca = options.cacert
    ? await readFile(options.cacert, 'utf8')
    : isLocal
      ? await readFileOrNull(layout.authorityFile)
      : null;
  const user = await credentials(options, isLocal ? layout.adminPassword : null);
  return { url, ...(user ? { user } : {}), ...(ca ? { ca } : {}), insecure: options.insecure ?? false };
}

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
