import type { Worker } from 'node:worker_threads';
import { newThreads, type Threads } from '../../lib/store/sqlite/database.ts';

const idle: Worker[] = [];

/** Threads of stores that are used again by later stores of this process: a new one costs a tenth of a second of processor time. */
export const pooledThreads: Threads = {
  take() {
    const worker = idle.pop() ?? newThreads.take();
    worker.ref();
    return worker;
  },
  async release(worker) {
    if (worker.threadId < 0) return; // it has ended
    worker.unref();
    idle.push(worker);
  },
};
