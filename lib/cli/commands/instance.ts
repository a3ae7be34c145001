import type { Command } from 'commander';
import type { Json } from '../../base/json.ts';
import { opcodes } from '../../opcodes/registry.ts';
import { type Connection, connecting, withClient } from './connect.ts';
import { follow } from './jobs.ts';
import { valueFrom } from './values.ts';

interface ReinstallOptions extends Connection {
  os?: string;
  start: boolean;
  osparams?: string[];
  submit?: boolean;
  quiet?: boolean;
}

/** Collects the values of a repeated option. */
const collect = (text: string, earlier?: string[]) => [...(earlier ?? []), text];

/** `merapi instance reinstall`: a job of up to three opcodes, so it is not among the commands of submit.ts, which have one each. */
export function reinstallCommand(instance: Command): void {
  connecting(
    instance
      .command('reinstall <instance-name>')
      .description('Reinstalls the OS: shuts the instance down, reinstalls it, and starts it again.'),
  )
    .option('--os <value>', 'The OS; by default the present one.')
    .option('--osparams <value>', 'OS parameters, e.g. a=1,b=x.', collect)
    .option('--no-start', 'Do not start it afterwards.')
    .option('--submit', 'only submit the job, and print its id')
    .option('--quiet', "do not show the job's log")
    .action((name: string, options: ReinstallOptions) =>
      withClient(options, async (client) => {
        const param = opcodes.OP_INSTANCE_REINSTALL.params.osparams;
        const osparams = options.osparams && valueFrom('osparams', param, options.osparams);
        const body = {
          start: options.start,
          ...(options.os === undefined ? {} : { os: options.os }),
          ...(osparams === undefined ? {} : { osparams: osparams as Json }),
        };
        const job = await client.ask('POST', `/2/instances/${encodeURIComponent(name)}/reinstall`, body);
        if (options.submit) process.stdout.write(`${job}\n`);
        else await follow(client, job as number, options.quiet);
      }),
    );
}
