/**
 * A line of the log that an outsider can make due at will: it is written at most once in so many milliseconds, with how often it
 * was due since.
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

  /** The line is due: it is written now, or when the pause is over. */
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
