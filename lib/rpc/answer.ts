import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../base/clock.ts';
import { stringifyJson } from '../base/json.ts';
import type { Progress } from '../model/progress.ts';
import { type CallAnswer, CONTRACT, CONTRACT_HEADER, LINES, type ProgressLine } from './wire.ts';

/** The shortest time between two lines of progress, in milliseconds; progress in between is not sent. */
const PROGRESS_PAUSE = 500;

/** The answer to one request: a JSON object, after lines of progress if there are any and the client accepts them (see wire.ts). */
export class Answer {
  readonly #response: ServerResponse;
  readonly #acceptsLines: boolean;
  readonly #clock: Clock;
  readonly #pause: number;
  #lastProgress = Number.NEGATIVE_INFINITY;

  /** @param pause the shortest time between two lines of progress, in milliseconds */
  constructor(request: IncomingMessage, response: ServerResponse, clock: Clock, pause = PROGRESS_PAUSE) {
    this.#response = response;
    this.#acceptsLines = (request.headers.accept ?? '').includes(LINES);
    this.#clock = clock;
    this.#pause = pause;
  }

  /** Sends progress, unless the client does not accept it, reads too slowly, or got some less than a pause ago. */
  progress(progress: Progress): void {
    const now = this.#clock.now();
    if (!this.#acceptsLines || now - this.#lastProgress < this.#pause) return;
    if (this.#response.destroyed || this.#response.writableEnded || this.#response.writableNeedDrain) return;
    this.#lastProgress = now;
    if (!this.#response.headersSent)
      this.#response.writeHead(200, { 'content-type': LINES, [CONTRACT_HEADER]: CONTRACT });
    this.#response.write(`${stringifyJson({ progress } satisfies ProgressLine)}\n`);
  }

  /** Sends the answer itself and ends the response. After progress it is the last line, and the status is 200 already. */
  end(status: number, answer: CallAnswer): void {
    if (this.#response.destroyed) return;
    const body = Buffer.from(`${stringifyJson(answer)}\n`);
    if (!this.#response.headersSent)
      this.#response.writeHead(status, {
        'content-type': 'application/json',
        'content-length': body.length,
        [CONTRACT_HEADER]: CONTRACT,
      });
    this.#response.end(body);
  }
}
