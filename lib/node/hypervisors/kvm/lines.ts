import type { Socket } from 'node:net';

/** The limits of a peer: the maximum length of a line in characters, and how many lines are read in one period (ms). */
export interface LineLimits {
  readonly length: number;
  readonly lines: number;
  readonly period: number;
}

interface LineHandlers {
  /** Called with each line, without its end. */
  onLine(line: string): void;
  /** Called when a line is too long; nothing more is read after that. */
  onTooLong(): void;
}

/**
 * Splits the input from a socket into lines. When a peer sends too many lines, the socket is paused for the rest of the period, so
 * the peer has to wait once the socket's buffers are full. Memory is bounded in this way: by one line, and the lines of one chunk
 * of input.
 */
export class BoundedLines {
  readonly #socket: Socket;
  readonly #limits: LineLimits;
  readonly #handlers: LineHandlers;
  /** The beginning of a line whose end has not been received yet. */
  #partial = '';
  /** Complete lines that have not been passed on. */
  #waiting: string[] = [];
  /** How many lines were passed on in the present period, and when that began, by performance.now(). */
  #passed = 0;
  #since = performance.now();
  #pause: NodeJS.Timeout | null = null;
  #ended = false;

  constructor(socket: Socket, limits: LineLimits, handlers: LineHandlers) {
    this.#socket = socket;
    this.#limits = limits;
    this.#handlers = handlers;
    socket.setEncoding('utf8').on('data', (text: unknown) => this.#receive(String(text)));
  }

  /** Stops reading; no further line is passed on. */
  end(): void {
    this.#ended = true;
    this.#waiting = [];
    if (this.#pause) clearTimeout(this.#pause);
  }

  #receive(text: string): void {
    if (this.#ended) return;
    const [first = '', ...rest] = text.split('\n');
    this.#partial += first;
    if (this.#partial.length > this.#limits.length) {
      this.end();
      this.#handlers.onTooLong();
      return;
    }
    for (const next of rest) {
      this.#waiting.push(this.#partial);
      this.#partial = next;
    }
    if (!this.#pause) this.#passOn();
  }

  /** Passes on the waiting lines, as far as the limit allows; pauses the socket when the limit is reached. */
  #passOn(): void {
    const { lines, period } = this.#limits;
    const now = performance.now();
    if (now - this.#since >= period) {
      this.#since = now;
      this.#passed = 0;
    }
    const ready = this.#waiting.splice(0, lines - this.#passed);
    this.#passed += ready.length;
    for (const line of ready) if (!this.#ended) this.#handlers.onLine(line);
    if (this.#ended || this.#passed < lines) return;
    this.#socket.pause();
    this.#pause = setTimeout(
      () => {
        this.#pause = null;
        this.#passOn();
        if (!this.#pause) this.#socket.resume();
      },
      Math.max(1, this.#since + period - now),
    ).unref();
  }
}
