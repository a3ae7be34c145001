/** Those who want to be told of something. One that fails keeps the others, and whoever tells, from nothing. */
export class Listeners<T = void> {
  readonly #listeners = new Set<(value: T) => void>();

  /** How many there are. */
  get size(): number {
    return this.#listeners.size;
  }

  /** Calls back each time until the returned function is called. */
  add(listener: (value: T) => void): () => void {
    const own = (value: T) => listener(value); // the same function may listen twice
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  }

  /** Tells everybody who listens now. What a listener throws becomes an unhandled rejection, which the process logs. */
  tell(value: T): void {
    for (const listener of [...this.#listeners])
      try {
        listener(value);
      } catch (error) {
        Promise.reject(error);
      }
  }
}
