// Commands for jobs and the job queue. Most other commands use follow(), which waits for a job and prints its log.

import type { Command } from 'commander';
import { CommandFailed } from '../../app/command-failed.ts';
import { MerapiError } from '../../base/errors.ts';
import { type Json, stringifyJson } from '../../base/json.ts';
import type { Client, JobInfo, JobLine } from '../../client/client.ts';
import { type Connection, connecting, withClient } from './connect.ts';
import { localTime, outline, print } from './show.ts';

/** A line of a job's log as text, with the local time of day. */
function lineText([, [seconds], type, text]: JobLine): string {
  const time = localTime(seconds).slice(11, 19);
  return `${time} ${type === 'message' ? '' : `${type}: `}${typeof text === 'string' ? text : stringifyJson(text)}\n`;
}

/**
 * Why a job did not succeed: the error of its first opcode that did not. In Ganeti's form such an opresult is
 * [error class, [message, …]].
 */
function failureText(job: JobInfo): string {
  const index = job.opstatus.findIndex((status) => status !== 'success');
  const result = job.opresult[index] as Json[] | null | undefined;
  const [text] = Array.isArray(result) && Array.isArray(result[1]) ? result[1] : [];
  return `Job ${job.id} (${job.summary.join(', ')}) ended in ${job.status}${text === undefined ? '' : `: ${text}`}`;
}

/** After so many milliseconds, the reason why a job has not begun yet is printed. */
const PATIENCE = 1000;

/** Prints once, after a while, why a job waits. The returned function cancels that; call it when the job begins. */
function printWhyItWaits(client: Client, id: number): () => void {
  let isWanted = true;
  const write = (why: Json) => {
    if (isWanted) process.stderr.write(`${(why as { text: string }).text}\n`);
  };
  const timer = setTimeout(() => {
    // Errors are ignored: the caller, which waits for the job over the same connection, gets them too.
    client.ask('GET', `/2/jobs/${id}/why`).then(write, () => undefined);
  }, PATIENCE);
  return () => {
    isWanted = false;
    clearTimeout(timer);
  };
}

/**
 * Waits for a job to end and prints its log to standard error; then does the same with the jobs that it submitted, which do the actual
 * work of some opcodes. Ctrl-C ends the command, not the job.
 * @throws CommandFailed when one of these jobs does not succeed
 */
export async function follow(client: Client, id: number, quiet = false): Promise<JobInfo> {
  const leave = () => {
    process.stderr.write(`\nJob ${id} continues; follow it with: merapi job wait ${id}\n`);
    process.exit(130);
  };
  process.once('SIGINT', leave);
  let shown = '';
  let cancelWhy = quiet ? () => undefined : printWhyItWaits(client, id);
  try {
    const job = await client.wait(id, (status, lines) => {
      if (status === 'running') cancelWhy();
      if (quiet) return;
      if (process.stderr.isTTY && status !== shown) process.stderr.write(`Job ${id}: ${status}\n`);
      shown = status;
      for (const line of lines) process.stderr.write(lineText(line));
    });
    if (job.status !== 'success') throw new CommandFailed(failureText(job));
    cancelWhy();
    cancelWhy = () => undefined;
    process.off('SIGINT', leave);
    await followAll(client, submittedBy(job), quiet);
    return job;
  } finally {
    cancelWhy();
    process.off('SIGINT', leave);
  }
}

/** Follows jobs one after the other. @throws CommandFailed with the failures of all that did not succeed */
async function followAll(
  client: Client,
  jobs: ReturnType<typeof submittedBy>,
  quiet: boolean,
): Promise<void> {
  const failures = jobs.flatMap(([isThere, reason]) => (isThere ? [] : [String(reason)]));
  for (const id of jobs.flatMap(([isThere, id]) => (isThere ? [Number(id)] : []))) {
    if (!quiet) process.stderr.write(`Following job ${id}\n`);
    try {
      await follow(client, id, quiet);
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
      failures.push(error.message);
    }
  }
  if (failures.length > 0) throw new CommandFailed(failures.join('; '));
}

/**
 * The jobs that the opcodes of a job submitted, each with its id, or with the reason why it was not accepted; and in the same form the
 * instances for which no job was submitted (`failed` of evacuations).
 */
function submittedBy({ opresult }: JobInfo): [isThere: boolean, idOrReason: number | string][] {
  return opresult.flatMap((result) => {
    const { jobs = [], failed = [] } = (result ?? {}) as { jobs?: unknown; failed?: unknown };
    if (!Array.isArray(jobs) || !Array.isArray(failed)) return [];
    const without = failed.map((name): [boolean, string] => [false, `${name}: no job; the log says why`]);
    return [...(jobs as [boolean, number | string][]), ...without];
  });
}

interface JobOptions extends Connection {
  json?: boolean;
  watch?: boolean;
}

/** `merapi job info|wait|why|cancel|archive`; listing is like that of other objects. */
export function jobCommands(job: Command): void {
  connecting(job.command('info <id>').description('show the details of a job'))
    .option('--json', 'print JSON')
    .option('--watch', 'follow its log to its end first')
    .action((id: string, options: JobOptions) =>
      withClient(options, async (client) => {
        const found = options.watch
          ? await client.wait(idOf(id), (_, lines) => printLog(lines))
          : await client.job(idOf(id));
        print(found, options.json, () => outline(found));
      }),
    );
  connecting(
    job
      .command('wait <id>')
      .description('follow a job to its end; the exit code is 1 when it does not succeed'),
  )
    .option('--json', 'print the results as JSON')
    .action((id: string, options: JobOptions) =>
      withClient(options, async (client) => {
        const { opresult } = await follow(client, idOf(id));
        print(opresult, options.json, () => '');
      }),
    );
  connecting(
    job.command('cancel <id>').description('cancel a job; one that runs stops before its next step'),
  ).action((id: string, options: JobOptions) =>
    withClient(options, async (client) => {
      const [done, text] = (await client.ask('DELETE', `/2/jobs/${idOf(id)}`)) as [boolean, string];
      if (!done) throw new CommandFailed(text);
      process.stdout.write(`${text}\n`);
    }),
  );
  connecting(job.command('why <id>').description('say why a job waits'))
    .option('--json', 'print JSON')
    .action((id: string, options: JobOptions) =>
      withClient(options, async (client) => {
        const why = (await client.ask('GET', `/2/jobs/${idOf(id)}/why`)) as { text: string };
        print(why, options.json, () => `${why.text}\n`);
      }),
    );
  connecting(job.command('archive <id>').description('archive a job that has ended')).action(
    (id: string, options: JobOptions) =>
      withClient(options, async (client) => {
        await client.ask('PUT', `/2/jobs/${idOf(id)}/archive`);
      }),
  );
}

/** `merapi queue show|drain|undrain|archive`. */
export function queueCommands(queue: Command): void {
  const set = (verb: string, description: string, drained: boolean) =>
    connecting(queue.command(verb).description(description)).action((options: JobOptions) =>
      withClient(options, async (client) => {
        await client.ask('PUT', '/2/queue', { drained });
      }),
    );
  set('drain', 'accept no more jobs; those in the queue continue', true);
  set('undrain', 'accept jobs again', false);
  connecting(queue.command('archive').description('archive jobs that have ended; prints how many'))
    .option('--age <seconds>', 'only those that ended at least so many seconds ago', '0')
    .action((options: JobOptions & { age: string }) =>
      withClient(options, async (client) => {
        const count = await client.ask('PUT', `/2/queue/archive?age=${encodeURIComponent(options.age)}`);
        process.stdout.write(`${count}\n`);
      }),
    );
}

function printLog(lines: readonly JobLine[]): void {
  for (const line of lines) process.stderr.write(lineText(line));
}

/** A job id from the command line. @throws MerapiError wrong_input when it is not a number */
function idOf(text: string): number {
  if (!/^\d{1,15}$/.test(text))
    throw new MerapiError('wrong_input', `'${text}' is not a job id; a job id is a number`);
  return Number(text);
}
