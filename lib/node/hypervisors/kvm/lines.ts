import type { Socket } from 'node:net';

/** What a peer may send at most: the length of a line in characters, and how many lines are read in one period (ms). */
export interface LineLimits {
  readonly length: number;
  readonly lines: number;
  readonly period: number;
}

/** Who gets the lines. */
interface LineHandlers {
  onLine(line: string): void;
  /** Called when a line is too long; nothing more is read then. */
  onTooLong(): void;
}

/**
 * Cuts what comes over a socket into lines. A peer that sends more lines than it may is read no further for the rest of the
 * period; in the end it has to wait, because the socket accepts no more.
 */
export class BoundedLines {
  readonly #socket: Socket;
  readonly #limits: LineLimits;
  readonly #handlers: LineHandlers;
  /** The beginning of a line whose end has not come. */
  #begun = '';
  #waiting: string[] = [];
  #taken = 0;
  #since = performance.now();
  #pause: NodeJS.Timeout | null = null;
  #ended = false;

  constructor(socket: Socket, limits: LineLimits, handlers: LineHandlers) {
    this.#socket = socket;
    this.#limits = limits;
    this.#handlers = handlers;
    socket.setEncoding('utf8').on('data', (text: unknown) => this.#receive(String(text)));
  }

  /** Ends the reading; no further line is passed on. */
  end(): void {
    this.#ended = true;
    this.#waiting = [];
    if (this.#pause) clearTimeout(this.#pause);
  }

  #receive(text: string): void {
    if (this.#ended) return;
    const [first = '', ...rest] = text.split('\n');
    this.#begun += first;
    if (this.#begun.length > this.#limits.length) {
      this.end();
      this.#handlers.onTooLong();
      return;
    }
    for (const next of rest) {
      this.#waiting.push(this.#begun);
      this.#begun = next;
    }
    if (!this.#pause) this.#take();
  }

  #take(): void {
    const { lines, period } = this.#limits;
    const now = performance.now();
    if (now - this.#since >= period) {
      this.#since = now;
      this.#taken = 0;
    }
    const ready = this.#waiting.splice(0, lines - this.#taken);
    this.#taken += ready.length;
    for (const line of ready) if (!this.#ended) this.#handlers.onLine(line);
    if (this.#ended || this.#taken < lines) return;
    this.#socket.pause();
    this.#pause = setTimeout(
      () => {
        this.#pause = null;
        this.#take();
        if (!this.#pause) this.#socket.resume();
      },
      Math.max(1, this.#since + period - now),
    ).unref();
  }
}
