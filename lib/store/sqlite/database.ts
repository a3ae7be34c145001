// The main thread's side of a database connection (worker.ts is the other side). Requests are answered by their ids.
//
// When a commit fails, those that were sent after it were built on it and must fail too, even if the disk works again meanwhile. So
// commits carry a generation: the worker refuses all of the failed generation, and this side begins a new one when it learns of the
// failure, which the store must handle (onFailure) before it makes the next commit.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { MerapiError } from '../../base/errors.ts';
import { compiled } from '../../base/installation.ts';
import type { WriteFailure } from '../define.ts';
import type { Query, Statement } from './sql.ts';
import type { FromWorker, ToWorker, WorkerStart } from './worker.ts';

interface Pending {
  job: number | null;
  resolve(rows: unknown[][]): void;
  reject(error: MerapiError): void;
}

/** Where connections get their threads from. A process that opens many stores, one after the other, can use threads again. */
export interface Threads {
  take(): Worker;
  /** Called when a thread has closed its database, or has ended. */
  release(worker: Worker): Promise<void>;
}

/** Node's id of a thread that has ended. */
const ENDED = -1;

/** A new thread for each connection. */
export const newThreads: Threads = {
  take: () =>
    new Worker(compiled('store/sqlite/worker'), {
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    }),
  release: async (worker) => {
    if (worker.threadId === ENDED) return;
    worker.postMessage({ kind: 'end' } satisfies ToWorker);
    await once(worker, 'exit');
  },
};

/** A database connection in its own thread. */
export class Connection {
  readonly #worker: Worker;
  readonly #threads: Threads;
  /** For the writing connection: the number of this owner of the store, see Store.epoch. */
  readonly epoch: number;
  readonly #pending = new Map<number, Pending>();
  /** Resolves when the database is closed, or the thread has ended. */
  readonly #ended: Promise<void>;
  #detach: () => void = () => undefined;
  #nextId = 1;
  #generation = 0;
  #closed = false;
  #closing: Promise<void> | null = null;
  /** Called when a commit could not be written, before its promise and those of all later commits reject. */
  onFailure: (failure: WriteFailure) => void = () => undefined;

  private constructor(worker: Worker, threads: Threads, epoch: number) {
    this.#worker = worker;
    this.#threads = threads;
    this.epoch = epoch;
    this.#ended = new Promise((resolve) => {
      const onMessage = (message: FromWorker) => {
        if (message.kind === 'closed') resolve();
        else this.#receive(message);
      };
      const onError = (cause: Error) => this.#rejectAll(cause.message);
      const onExit = () => {
        this.#closed = true;
        this.#rejectAll('The store is closed');
        resolve();
      };
      worker.on('message', onMessage).on('error', onError).on('exit', onExit);
      // removeAllListeners() would take Node's own as well.
      this.#detach = () => worker.off('message', onMessage).off('error', onError).off('exit', onExit);
    });
  }

  /** Opens the database file; a writing connection also creates the file, and migrates its schema. @throws MerapiError unavailable */
  static async open(start: WorkerStart, threads: Threads): Promise<Connection> {
    const worker = threads.take();
    worker.postMessage({ kind: 'open', start } satisfies ToWorker);
    try {
      const [answer] = (await once(worker, 'message')) as [FromWorker];
      if (answer.kind !== 'ready') throw new Error(answer.kind === 'refused' ? answer.message : answer.kind);
      return new Connection(worker, threads, answer.epoch);
    } catch (cause) {
      await threads.release(worker);
      const { message } = cause as Error;
      throw new MerapiError('unavailable', `Cannot open the store ${start.file}: ${message}`, { cause });
    }
  }

  /**
   * Writes the statements of a commit; commits that arrive at the same time share a transaction. Resolves when they are durable.
   * @param job the job that made the commit, which is to blame if the commit itself cannot be stored
   * @throws MerapiError unavailable; internal_error when no database would accept the values
   */
  async write(job: number | null, statements: readonly Statement[]): Promise<void> {
    const generation = this.#generation;
    await this.#ask(job, (id) => ({ kind: 'write', id, generation, statements }));
  }

  /** The rows of each query, all from the same state of the database. @throws MerapiError unavailable */
  async read<Rows extends readonly unknown[]>(
    ...queries: { [K in keyof Rows]: Query }
  ): Promise<{ [K in keyof Rows]: Rows[K][] }> {
    return (await this.#ask(null, (id) => ({ kind: 'read', id, queries }))) as {
      [K in keyof Rows]: Rows[K][];
    };
  }

  /** Closes the database after all earlier requests, and gives the thread back. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#worker.postMessage({ kind: 'close' } satisfies ToWorker);
    }
    await this.#ended;
    this.#rejectAll('The store is closed');
    this.#detach();
    await this.#threads.release(this.#worker);
  }

  #ask(job: number | null, message: (id: number) => ToWorker): Promise<unknown[][]> {
    if (this.#closed) return Promise.reject(new MerapiError('unavailable', 'The store is closed'));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { job, resolve, reject });
      this.#worker.postMessage(message(id));
    });
  }

  #receive(message: FromWorker): void {
    if (message.kind === 'rows') this.#take(message.id)?.resolve(message.rows);
    else if (message.kind === 'done') for (const id of message.ids) this.#take(id)?.resolve([]);
    else if (message.kind === 'failed') {
      const { ids, generation, lost, culprit } = message;
      const error = new MerapiError('unavailable', `The store cannot be written or read: ${message.message}`);
      if (generation !== null) {
        this.#generation = generation + 1;
        const job = culprit === null ? null : (this.#pending.get(culprit)?.job ?? null);
        this.onFailure({ error, lost, culprit: job });
      }
      if (culprit !== null) this.#take(culprit)?.reject(unstorable(message.message));
      for (const id of ids) this.#take(id)?.reject(error);
    }
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    return pending;
  }

  #rejectAll(text: string): void {
    for (const pending of this.#pending.values()) pending.reject(new MerapiError('unavailable', text));
    this.#pending.clear();
  }
}

function unstorable(reason: string): MerapiError {
  return new MerapiError('internal_error', `The change cannot be stored: ${reason}`);
}
