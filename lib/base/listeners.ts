/** The listeners of an event. One that throws affects neither the other listeners nor the notifier. */
export class Listeners<T = void> {
  readonly #listeners = new Set<(value: T) => void>();

  /** The number of listeners. */
  get size(): number {
    return this.#listeners.size;
  }

  /** Adds a listener; the returned function removes it. */
  add(listener: (value: T) => void): () => void {
    const own = (value: T) => listener(value); // the same function may be added twice
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  }

  /** Calls every present listener. What a listener throws becomes an unhandled rejection, which the process logs. */
  notify(value: T): void {
    for (const listener of [...this.#listeners])
      try {
        listener(value);
      } catch (error) {
        Promise.reject(error);
      }
  }
}
