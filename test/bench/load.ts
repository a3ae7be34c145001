import { Agent, request } from 'node:https';

/** A user of the API with connections that stay open. */
export class Load {
  readonly #agent: Agent;
  readonly #url: string;

  constructor(url: string, connections: number) {
    this.#url = url;
    this.#agent = new Agent({ keepAlive: true, rejectUnauthorized: false, maxSockets: connections });
  }

  /** The body of an answer that must be 200. */
  ask(method: string, path: string, body?: unknown): Promise<string> {
    const text = body === undefined ? '' : JSON.stringify(body);
    const headers = {
      authorization: `Basic ${Buffer.from('admin:secret').toString('base64')}`,
      ...(body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
    };
    return new Promise((resolve, reject) => {
      const sent = request(this.#url + path, { method, agent: this.#agent, headers }, (answer) => {
        const parts: Buffer[] = [];
        answer.on('data', (part) => parts.push(part));
        answer.on('end', () => {
          const content = Buffer.concat(parts).toString();
          if (answer.statusCode === 200) resolve(content);
          else reject(new Error(`${method} ${path}: ${answer.statusCode} ${content}`));
        });
      });
      sent.on('error', reject);
      sent.end(text);
    });
  }

  /** Milliseconds of each of so many requests, one after the other. */
  async latencies(count: number, send: (number: number) => Promise<unknown>): Promise<number[]> {
    const times: number[] = [];
    for (let number = 0; number < count; number++) {
      const begin = performance.now();
      await send(number);
      times.push(performance.now() - begin);
    }
    return times;
  }

  /** Requests per second with so many at once. */
  async rate(count: number, atOnce: number, send: (number: number) => Promise<unknown>): Promise<number> {
    let next = 0;
    const begin = performance.now();
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        while (next < count) await send(next++);
      }),
    );
    return (count * 1000) / (performance.now() - begin);
  }

  close(): void {
    this.#agent.destroy();
  }
}

export const median = (values: readonly number[]): number => part(values, 0.5);

/** The value below which this part of the values is. */
export function part(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * fraction)] ?? Number.NaN;
}

/** With as many digits as mean something. */
export const round = (value: number): number => Number(value.toPrecision(3));
