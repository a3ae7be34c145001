/** Runs tasks one after the other, in the order in which they came. */
export class TaskQueue {
  #last: Promise<unknown> = Promise.resolve();

  /** The outcome of the task, which runs when all earlier ones have ended. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
