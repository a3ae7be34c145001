import { setTimeout as sleep } from 'node:timers/promises';
import { type Json, stringifyJson } from '../../lib/base/json.ts';
import type { JobAnswer } from '../helpers/client.ts';
import type { Random } from '../helpers/random.ts';
import { plain } from './collect.ts';
import { type ChaosRequest, type JobRequest, Requests } from './requests.ts';
import type { Rig } from './rig.ts';
import type { CancelNote, Note, Outcome } from './state.ts';

const FINAL = ['success', 'error', 'canceled'];
/** Milliseconds that a client waits for an answer. */
const PATIENCE = 30_000;
/** The pause between two looks at a job, in milliseconds. */
const LOOK = 100;
/** How many jobs that have not ended a client lets be. */
const MOST_OPEN = 4;

/** One of the clients that work at the same time. What it asks for comes from the seed; it notes what it was answered. */
export class ChaosClient {
  readonly notes: Note[] = [];
  readonly cancels: CancelNote[] = [];
  readonly #rig: Rig;
  readonly #name: string;
  readonly #requests: Requests;
  readonly #random: Random;
  readonly #keys: Random;
  readonly #isOver: () => boolean;

  constructor(rig: Rig, number: number, random: Random, isOver: () => boolean) {
    this.#rig = rig;
    this.#name = `client${number}`;
    this.#random = random.fork('pauses');
    this.#keys = random.fork('keys');
    this.#requests = new Requests(
      random.fork('requests'),
      number,
      rig.hosts.map(({ name }) => name),
    );
    this.#isOver = isOver;
  }

  /** Asks until it is over. */
  async work(): Promise<void> {
    for (let number = 1; !this.#isOver(); number++) {
      const request = this.#requests.next();
      const pause = this.#random.int(0, 150);
      const mostOpen = this.#random.chance(0.5) ? 0 : MOST_OPEN;
      await this.#ask(request, `${this.#name}-${number}`);
      await sleep(pause);
      while (this.#open().length > mostOpen && !this.#isOver()) {
        await this.#look();
        await sleep(LOOK);
      }
    }
  }

  async #ask(request: ChaosRequest, key: string): Promise<void> {
    if (request.kind === 'cancel') return this.#cancel(request.back);
    const { method, path, ops, values } = request;
    const outcome = await this.#submit(request, key);
    this.notes.push({ key, method, path, ops, values, outcome, seen: null });
  }

  /**
   * Repeats a request as long as it cannot have reached a master. One with an Idempotency-Key, as every other one has, is repeated
   * until it is answered, and some of these once more: still there must be one job.
   */
  async #submit({ method, path, body }: JobRequest, key: string): Promise<Outcome> {
    const asked = `${path}${path.includes('?') ? '&' : '?'}reason=${key}`;
    const isKeyed = this.#keys.chance(0.5);
    let times = this.#keys.chance(0.3) ? 2 : 1;
    let known: Outcome | null = null;
    for (;;) {
      const answer = await this.#answer(method, asked, body, isKeyed ? { 'idempotency-key': key } : {});
      if ('status' in answer) {
        const { status } = answer;
        if (status === 200) {
          known = { kind: 'acknowledged', id: answer.body as number };
          if (!isKeyed || --times === 0) return known;
        } else if (!known) return { kind: 'refused', status, text: stringifyJson(answer.body).slice(0, 200) };
      } else if (answer.reached) {
        known ??= { kind: 'unknown', text: answer.text };
        if (!isKeyed) return known;
      }
      if (this.#isOver()) return known ?? { kind: 'unknown', text: 'it was not answered in time' };
      await sleep(LOOK);
    }
  }

  async #cancel(back: number): Promise<void> {
    const job = this.#ids().at(-back);
    if (job === undefined) return;
    const answer = await this.#answer('DELETE', `/2/jobs/${job}`);
    const isTold = 'status' in answer && answer.status === 200;
    this.cancels.push({ job, isCanceled: isTold ? saidOf(answer.body as [boolean, string]) : null });
  }

  #ids(): number[] {
    return this.notes.flatMap(({ outcome }) => (outcome.kind === 'acknowledged' ? [outcome.id] : []));
  }

  #open(): Note[] {
    return this.notes.filter(({ outcome, seen }) => outcome.kind === 'acknowledged' && seen === null);
  }

  /** Looks once at each job whose end it has not seen. */
  async #look(): Promise<void> {
    for (const note of this.#open()) {
      if (note.outcome.kind !== 'acknowledged') continue;
      const answer = await this.#answer('GET', `/2/jobs/${note.outcome.id}`);
      if (!('status' in answer) || answer.status !== 200) return;
      const { status, opresult } = plain<JobAnswer>(answer.body as Json);
      if (FINAL.includes(status)) note.seen = { status, opresult };
    }
  }

  async #answer(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<{ status: number; body: unknown } | { reached: boolean; text: string }> {
    const program = this.#rig.master.serving;
    if (!program) return { reached: false, text: 'no master serves' };
    const late = new AbortController();
    try {
      const client = await program.client();
      return await Promise.race([
        client.ask(method, path, body, headers),
        sleep(PATIENCE, { reached: true, text: 'no answer came' }, { signal: late.signal }),
      ]);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return { reached: code !== 'ECONNREFUSED', text: `${code ?? ''} ${message}` };
    } finally {
      late.abort();
    }
  }
}

/** Whether a job is cancelled; null when it runs and may yet come to its end, for its last step has begun. */
function saidOf([isAccepted, text]: [boolean, string]): boolean | null {
  return isAccepted && / will be canceled/.test(text) ? null : isAccepted;
}
