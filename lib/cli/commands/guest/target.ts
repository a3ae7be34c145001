import { randomUUID } from 'node:crypto';
import { InvalidArgumentError } from 'commander';
import { CommandFailed } from '../../../app/command-failed.ts';
import type { Json } from '../../../base/json.ts';
import type { Client, JobInfo } from '../../../client/client.ts';
import { follow } from '../jobs.ts';

/** The guest that the commands are for. */
export class Guest {
  readonly client: Client;
  readonly #name: string;
  /** Whether the logs of jobs are not shown. */
  readonly #quiet: boolean;

  constructor(client: Client, name: string, quiet: boolean) {
    this.client = client;
    this.#name = name;
    this.#quiet = quiet;
  }

  /** A path of its own in the guest's folder for temporary files. */
  temporary(what: string): string {
    return `/tmp/merapi-${what}-${randomUUID()}`;
  }

  /** The address of a resource of the guest. */
  at(path: string, args: Record<string, string> = {}): string {
    const query = new URLSearchParams(args).toString();
    const base = `/2/instances/${encodeURIComponent(this.#name)}/guest${path}`;
    return query === '' ? base : `${base}?${query}`;
  }

  read(path: string): Promise<Json> {
    return this.client.ask('GET', this.at(path));
  }

  /** Submits a job and waits for its end; returns the result of its opcode. @throws CommandFailed when it does not succeed */
  async change(method: string, path: string, body?: Json): Promise<Json> {
    return this.ended((await this.client.ask(method, this.at(path), body)) as number);
  }

  /** Waits for the end of a job; returns the result of its opcode. @throws CommandFailed when it does not succeed */
  async ended(id: number): Promise<Json> {
    const job: JobInfo = await follow(this.client, id, this.#quiet);
    return job.opresult[0] ?? null;
  }

  /** Runs a program to its end, with its whole output. */
  async run(argv: readonly string[], options: { input?: string } = {}): Promise<Program> {
    const body = { argv: [...argv], ...options };
    const { pid } = (await this.change('POST', '/exec', body)) as unknown as Program;
    return (await this.read(`/exec/${pid}`)) as unknown as Program;
  }

  /** Runs a shell command that must succeed; returns its output. @throws CommandFailed with its last words */
  async shell(command: string, ...args: readonly string[]): Promise<string> {
    const { exitcode, out, err } = await this.run(['/bin/sh', '-c', command, 'merapi', ...args]);
    if (exitcode === 0) return Buffer.from(out, 'base64').toString('utf8');
    throw new CommandFailed(
      Buffer.from(err, 'base64').toString('utf8').trim() || `The guest's shell ended with ${exitcode}`,
    );
  }
}

/** How a program in the guest stands, as the API shows it; the outputs are base64. */
export interface Program {
  pid: number;
  exited: boolean;
  exitcode: number | null;
  signal: number | null;
  out: string;
  err: string;
  out_truncated: boolean;
  err_truncated: boolean;
}

/** The exit code with which a shell reports how a program ended: 128 and the number of a signal. */
export const exitCodeOf = ({ exitcode, signal }: Pick<Program, 'exitcode' | 'signal'>): number =>
  exitcode ?? 128 + (signal ?? 0);

/** A whole number of an option. */
export function whole(text: string): number {
  if (/^[0-9]+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number.');
}
