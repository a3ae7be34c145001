// Programs that run in guests. The agent gives a program's output once, with its end, so it is kept here, for KEPT and up to MOST_BYTES.
// Only the exec right gives access to it; nothing of it is written to disk or to a log.
import type { Clock, Timer } from '../../base/clock.ts';
import { MerapiError } from '../../base/errors.ts';
import type { ResultOf } from '../../rpc/registry.ts';
import type { GuestAgent } from './agent.ts';

/** Milliseconds for which the output of a program that has ended is kept. */
const KEPT = 3600_000;
/** The most bytes of outputs that a worker keeps, as base64; the oldest are dropped for new ones. */
const MOST_BYTES = 256 * 1024 * 1024;
/** Milliseconds between two questions whether a program has ended: at first, and at most. */
const FIRST_PAUSE = 5;
const LONGEST_PAUSE = 500;

/** How a program in a guest stands; the outputs are base64. */
export type Execution = ResultOf<'guest.output'>;

interface Kept {
  execution: Execution;
  timer: Timer;
}

/** The programs that were started in guests, and their outputs. */
export class Executions {
  readonly #clock: Clock;
  /** By guest and pid, the oldest first. */
  readonly #kept = new Map<string, Kept>();
  #bytes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Waits until a program has ended, at most `timeout` milliseconds; `exited` is false when it has not.
   * @throws MerapiError guest_agent for a pid that the agent does not know; and as GuestAgent.execute()
   */
  async wait(
    uuid: string,
    agent: GuestAgent,
    { pid, timeout, signal }: { pid: number; timeout: number; signal?: AbortSignal },
  ): Promise<Execution> {
    const end = this.#clock.now() + timeout;
    for (let pause = 0; ; pause = Math.min(LONGEST_PAUSE, Math.max(FIRST_PAUSE, pause * 2))) {
      const left = end - this.#clock.now();
      if (pause > 0) await this.#clock.sleep(Math.max(0, Math.min(pause, left)), { signal });
      const execution = await this.status(uuid, agent, pid, signal);
      if (execution.exited || end - this.#clock.now() <= 0) return execution;
    }
  }

  /** How a program stands. @throws MerapiError as wait() */
  async status(uuid: string, agent: GuestAgent, pid: number, signal?: AbortSignal): Promise<Execution> {
    const key = `${uuid} ${pid}`;
    const kept = this.#kept.get(key)?.execution;
    if (kept) return kept;
    const answer = await agent.execute('guest-exec-status', { pid }, { signal }).catch((error) => {
      // Another question may have got the one answer meanwhile.
      const found = this.#kept.get(key)?.execution;
      if (found) return found;
      throw error instanceof MerapiError && error.code === 'guest_agent' ? noSuch(pid, error) : error;
    });
    if ('pid' in answer) return answer as Execution;
    const execution = {
      pid,
      exited: answer.exited,
      exitcode: numberOf(answer.exitcode),
      signal: numberOf(answer.signal),
      out: answer['out-data'] ?? '',
      err: answer['err-data'] ?? '',
      out_truncated: answer['out-truncated'] ?? false,
      err_truncated: answer['err-truncated'] ?? false,
    };
    if (execution.exited) this.#keep(key, execution);
    return execution;
  }

  /** Forgets the outputs of a guest: it has ended, and its pids mean nothing any more. */
  ended(uuid: string): void {
    for (const key of [...this.#kept.keys()]) if (key.startsWith(`${uuid} `)) this.#drop(key);
  }

  close(): void {
    for (const key of [...this.#kept.keys()]) this.#drop(key);
  }

  /** To be called when a program was started: what is kept of an earlier one with its pid is not about it. */
  started(uuid: string, pid: number): void {
    this.#drop(`${uuid} ${pid}`);
  }

  #keep(key: string, execution: Execution): void {
    this.#drop(key);
    const timer = this.#clock.timer(KEPT, () => this.#drop(key)).unref();
    this.#kept.set(key, { execution, timer });
    this.#bytes += bytesOf(execution);
    for (const oldest of [...this.#kept.keys()])
      if (this.#bytes > MOST_BYTES && oldest !== key) this.#drop(oldest);
  }

  #drop(key: string): void {
    const kept = this.#kept.get(key);
    if (!kept) return;
    kept.timer.cancel();
    this.#kept.delete(key);
    this.#bytes -= bytesOf(kept.execution);
  }
}

const bytesOf = ({ out, err }: Execution) => out.length + err.length;
const numberOf = (value: number | bigint | undefined) => (value === undefined ? null : Number(value));

function noSuch(pid: number, cause: MerapiError): MerapiError {
  return new MerapiError(
    'not_found',
    `The guest agent knows no program with the pid ${pid}; outputs are kept for an hour`,
    { cause, detail: cause.detail },
  );
}
