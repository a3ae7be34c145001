import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../base/clock.ts';
import { stringifyJson } from '../base/json.ts';
import type { Progress } from '../model/progress.ts';
import { type CallAnswer, CONTRACT, CONTRACT_HEADER, LINES, type ProgressLine } from './wire.ts';

/** The shortest time between two lines of progress, in milliseconds; what comes in between is not sent. */
const PROGRESS_PAUSE = 500;

/** The answer to one request: JSON, or lines of it where progress comes before and the client takes that. */
export class Answer {
  readonly #response: ServerResponse;
  readonly #takesLines: boolean;
  readonly #clock: Clock;
  readonly #pause: number;
  #told = Number.NEGATIVE_INFINITY;

  /** `pause` is the shortest time between two lines of progress, in milliseconds. */
  constructor(request: IncomingMessage, response: ServerResponse, clock: Clock, pause = PROGRESS_PAUSE) {
    this.#response = response;
    this.#takesLines = (request.headers.accept ?? '').includes(LINES);
    this.#clock = clock;
    this.#pause = pause;
  }

  /** Tells the client how far the call is, if it wants to know, has room, and was not told just now. */
  tell(progress: Progress): void {
    const now = this.#clock.now();
    if (!this.#takesLines || now - this.#told < this.#pause) return;
    if (this.#response.destroyed || this.#response.writableEnded || this.#response.writableNeedDrain) return;
    this.#told = now;
    if (!this.#response.headersSent)
      this.#response.writeHead(200, { 'content-type': LINES, [CONTRACT_HEADER]: CONTRACT });
    this.#response.write(`${stringifyJson({ progress } satisfies ProgressLine)}\n`);
  }

  /** Sends the answer itself, which is the last line where others came before. */
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
