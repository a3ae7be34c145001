import type { Command } from 'commander';
import { CommandFailed } from '../../app/command-failed.ts';
import { MerapiError } from '../../base/errors.ts';
import { type Json, stringifyJson } from '../../base/json.ts';
import type { Client, JobInfo, JobLine } from '../../client/client.ts';
import { type Connection, connecting, withClient } from './connect.ts';
import { localTime, outline, print } from './show.ts';

/** A line of a job's log for people, with the time of day here. */
function lineText([, [seconds], type, text]: JobLine): string {
  const time = localTime(seconds).slice(11, 19);
  return `${time} ${type === 'message' ? '' : `${type}: `}${typeof text === 'string' ? text : stringifyJson(text)}\n`;
}

/** Why a job did not succeed, in the words of its first failed opcode. */
function failureText(job: JobInfo): string {
  const place = job.opstatus.findIndex((status) => status !== 'success');
  const result = job.opresult[place] as Json[] | null | undefined;
  const [text] = Array.isArray(result) && Array.isArray(result[1]) ? result[1] : [];
  return `Job ${job.id} (${job.summary.join(', ')}) ended in ${job.status}${text === undefined ? '' : `: ${text}`}`;
}

/** From when on it is told why a job does not begin, in milliseconds. */
const PATIENCE = 1000;

/** Tells once why a job has not begun yet, unless it begins before. Answers how to give that up. */
function tellWhyItWaits(client: Client, id: number): () => void {
  let isWanted = true;
  const tell = (why: Json) => {
    if (isWanted) process.stderr.write(`${(why as { text: string }).text}\n`);
  };
  const timer = setTimeout(() => {
    // Whoever waits for the job is told what is wrong with the connection.
    client.ask('GET', `/2/jobs/${id}/why`).then(tell, () => undefined);
  }, PATIENCE);
  return () => {
    isWanted = false;
    clearTimeout(timer);
  };
}

/**
 * Follows a job to its end, its log on standard error; then the jobs that it has submitted, for its work is theirs. Ctrl-C ends the
 * command and not the job. @throws CommandFailed when one of them does not succeed
 */
export async function follow(client: Client, id: number, quiet = false): Promise<JobInfo> {
  const leave = () => {
    process.stderr.write(`\nJob ${id} goes on: merapi job wait ${id}\n`);
    process.exit(130);
  };
  process.once('SIGINT', leave);
  let shown = '';
  let begun = quiet ? () => undefined : tellWhyItWaits(client, id);
  try {
    const job = await client.wait(id, (status, lines) => {
      if (status === 'running') begun();
      if (quiet) return;
      if (process.stderr.isTTY && status !== shown) process.stderr.write(`Job ${id}: ${status}\n`);
      shown = status;
      for (const line of lines) process.stderr.write(lineText(line));
    });
    if (job.status !== 'success') throw new CommandFailed(failureText(job));
    begun();
    begun = () => undefined;
    process.off('SIGINT', leave);
    await followAll(client, submittedBy(job), quiet);
    return job;
  } finally {
    begun();
    process.off('SIGINT', leave);
  }
}

/** Follows jobs one after the other. @throws CommandFailed naming all that did not succeed */
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
 * The jobs that the opcodes of a job were to submit, each with its id or with the reason why it is not there; and in the same form
 * the instances for which there is none (`failed`).
 */
function submittedBy({ opresult }: JobInfo): [isThere: boolean, idOrReason: number | string][] {
  return opresult.flatMap((result) => {
    const { jobs = [], failed = [] } = (result ?? {}) as { jobs?: unknown; failed?: unknown };
    if (!Array.isArray(jobs) || !Array.isArray(failed)) return [];
    const without = failed.map((name): [boolean, string] => [false, `${name}: no job; the log tells why`]);
    return [...(jobs as [boolean, number | string][]), ...without];
  });
}

interface JobOptions extends Connection {
  json?: boolean;
  watch?: boolean;
}

/** `merapi job info|wait|why|cancel|archive`; listing is like that of other objects. */
export function jobCommands(job: Command): void {
  connecting(job.command('info <id>').description('all about one job'))
    .option('--json', 'print JSON')
    .option('--watch', 'follow its log to its end first')
    .action((id: string, options: JobOptions) =>
      withClient(options, async (client) => {
        const found = options.watch
          ? await client.wait(idOf(id), (_, lines) => tell(lines))
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
  connecting(job.command('why <id>').description('why a job waits'))
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
  set('drain', 'take no more jobs; those that are there go on', true);
  set('undrain', 'take jobs again', false);
  connecting(queue.command('archive').description('archive jobs that have ended; prints how many'))
    .option('--age <seconds>', 'only those that ended at least so long ago', '0')
    .action((options: JobOptions & { age: string }) =>
      withClient(options, async (client) => {
        const count = await client.ask('PUT', `/2/queue/archive?age=${encodeURIComponent(options.age)}`);
        process.stdout.write(`${count}\n`);
      }),
    );
}

function tell(lines: readonly JobLine[]): void {
  for (const line of lines) process.stderr.write(lineText(line));
}

function idOf(text: string): number {
  if (!/^\d{1,15}$/.test(text))
    throw new MerapiError('wrong_input', `'${text}' is no job id; it is a number`);
  return Number(text);
}
