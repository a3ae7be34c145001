/**
 * Rate limit for a log line that outsiders can cause at will: it is written at most once per `pause` milliseconds, with the number of
 * times it was due since the last one.
 */
export class Seldom {
  readonly #pause: number;
  readonly #write: (count: number) => void;
  #count = 0;
  #next = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | null = null;

  constructor(pause: number, write: (count: number) => void) {
    this.#pause = pause;
    this.#write = write;
  }

  /** Counts one occurrence. The line is written now, or when the pause is over. */
  note(): void {
    this.#count++;
    const left = this.#next - performance.now();
    if (left <= 0) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), left).unref();
  }

  #flush(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const count = this.#count;
    this.#count = 0;
    this.#next = performance.now() + this.#pause;
    this.#write(count);
  }
}
