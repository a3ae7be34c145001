import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { Bell } from '../base/bell.ts';
import type { Clock } from '../base/clock.ts';
import { stringifyJson } from '../base/json.ts';
import type { RuntimeFacts } from './types.ts';
import { CONTRACT, CONTRACT_HEADER, HEARTBEAT, LINES } from './wire.ts';

/** The source of the runtime facts of this node. */
export interface FactsSource {
  current(): Promise<RuntimeFacts>;
  /** Calls back whenever current() may return something new, until the returned function is called. */
  subscribe(listener: () => void): () => void;
}

/** The dependencies of streamFacts(). */
interface StreamParts {
  /** Fires when the server ends. */
  closing: AbortSignal;
  facts: FactsSource;
  clock: Clock;
  /** Milliseconds between two lines when nothing changes. */
  heartbeat?: number;
}

/**
 * Writes the facts as lines of JSON: at once, after each change, and at each heartbeat, until either side closes. Changes while a slow
 * client does not read are merged into one line.
 */
export async function streamFacts(
  { closing, facts, clock, heartbeat = HEARTBEAT }: StreamParts,
  response: ServerResponse,
): Promise<void> {
  const bell = new Bell(clock);
  const unsubscribe = facts.subscribe(bell.ring);
  const over = new AbortController();
  const end = () => {
    over.abort();
    bell.ring();
  };
  response.once('close', end);
  closing.addEventListener('abort', end);
  response.writeHead(200, { 'content-type': LINES, [CONTRACT_HEADER]: CONTRACT });
  try {
    while (!over.signal.aborted && !closing.aborted) {
      bell.reset();
      const line = `${stringifyJson(await facts.current())}\n`;
      if (!response.write(line)) await once(response, 'drain', { signal: over.signal });
      await bell.wait(heartbeat);
    }
  } catch (error) {
    if (!over.signal.aborted) throw error;
  } finally {
    unsubscribe();
    closing.removeEventListener('abort', end);
    response.end();
  }
}
