// Commands for duties: calls to nodes that jobs could not make and that the master retries until they succeed.

import type { Command } from 'commander';
import { type Connection, connecting, withClient } from './connect.ts';
import { print } from './show.ts';

interface Options extends Connection {
  json?: boolean;
  why?: string;
}

/** The fields of a duty that are printed. */
interface Duty {
  uuid: string;
  node: string;
  calls: string[];
  about: string;
  job: number;
  opcode: string;
  reason: string;
  tries: number;
  next_try: number;
  last_error: string | null;
}

/** `merapi cluster duties|give-up-duty`. */
export function dutyCommands(cluster: Command): void {
  connecting(
    cluster
      .command('duties')
      .description(
        'list the calls that jobs could not make on nodes and that are retried until they succeed',
      ),
  )
    .option('--json', 'print JSON')
    .action((options: Options) =>
      withClient(options, async (client) => {
        const duties = (await client.ask('GET', '/2/duties')) as unknown as Duty[];
        print(duties, options.json, () => duties.map(dutyText).join('') || 'There are none\n');
      }),
    );
  connecting(
    cluster
      .command('give-up-duty <uuid>')
      .description('give up a duty: it is not retried any more, and its object stays as it is'),
  )
    .option('--why <text>', 'the reason, for the log of the master')
    .action((uuid: string, options: Options) =>
      withClient(options, async (client) => {
        const args = options.why === undefined ? '' : `?reason=${encodeURIComponent(options.why)}`;
        await client.ask('DELETE', `/2/duties/${encodeURIComponent(uuid)}${args}`);
      }),
    );
}

function dutyText({
  uuid,
  node,
  calls,
  about,
  job,
  opcode,
  reason,
  tries,
  next_try,
  last_error,
}: Duty): string {
  const next = `tried ${tries} times, next at ${new Date(next_try * 1000).toISOString()} or when the node comes back`;
  return `${uuid}: ${calls.join(', ')} of ${about} on ${node}\n  of job ${job} (${opcode}): ${last_error ?? reason}\n  ${next}\n`;
}
