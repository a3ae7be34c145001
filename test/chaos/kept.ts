import { setTimeout as sleep } from 'node:timers/promises';
import type { Program } from '../helpers/program.ts';

/** The pause, in milliseconds, before a program that ended by itself is started again. */
const PAUSE = 300;

export interface KeptOptions {
  name: string;
  start(): Program;
  /** Resolves when it serves; fails when it has ended before. */
  ready(program: Program): Promise<unknown>;
  /** Told when it ended, or could not start, without having been killed. */
  ownEnd(name: string, program: Program): void;
}

/** A program that is to run: killed and stopped for a while by faults, started again when it ends by itself. */
export class Kept {
  readonly #options: KeptOptions;
  #program: Program | null = null;
  #isUp = false;
  #wanted = false;
  #turn: Promise<unknown> = Promise.resolve();
  #busy = 0;

  constructor(options: KeptOptions) {
    this.#options = options;
  }

  /** What runs and serves now. */
  get serving(): Program | null {
    return this.#isUp && this.#program?.isRunning ? this.#program : null;
  }

  get isBusy(): boolean {
    return this.#busy > 0;
  }

  /** Starts it unless it runs, and resolves when it serves. */
  start(): Promise<void> {
    this.#wanted = true;
    return this.#inTurn(() => this.#start());
  }

  /** Kills it with SIGKILL and starts it again after so many milliseconds. */
  killFor(time: number): Promise<void> {
    return this.#inTurn(async () => {
      await this.#down((program) => program.kill9());
      await sleep(time);
      if (this.#wanted) await this.#start();
    });
  }

  /** Lets it stand still for so many milliseconds. */
  freezeFor(time: number): Promise<void> {
    return this.#inTurn(async () => {
      const program = this.#program;
      if (!program?.isRunning) return;
      program.child.kill('SIGSTOP');
      await sleep(time);
      program.child.kill('SIGCONT');
    });
  }

  /** Ends it in order, for good. */
  stop(): Promise<void> {
    this.#wanted = false;
    return this.#inTurn(() => this.#down((program) => program.stop()));
  }

  async #down(end: (program: Program) => Promise<void>): Promise<void> {
    const program = this.#program;
    this.#program = null;
    this.#isUp = false;
    if (program?.isRunning) await end(program);
  }

  async #start(): Promise<void> {
    while (this.#wanted && !this.serving) {
      const program = this.#options.start();
      this.#program = program;
      program.child.once('exit', () => this.#ended(program));
      try {
        await this.#options.ready(program);
        this.#isUp = true;
      } catch (error) {
        if (program.isRunning) throw error;
        await sleep(PAUSE);
      }
    }
  }

  #ended(program: Program): void {
    if (this.#program !== program) return; // it was killed
    this.#program = null;
    this.#isUp = false;
    this.#options.ownEnd(this.#options.name, program);
    if (this.#busy === 0 && this.#wanted) void this.#inTurn(() => sleep(PAUSE).then(() => this.#start()));
  }

  #inTurn(action: () => Promise<void>): Promise<void> {
    this.#busy++;
    const done = this.#turn.then(action).finally(() => this.#busy--);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}
