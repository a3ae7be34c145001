import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import Database from 'better-sqlite3';
import type { Identity } from '../../lib/base/tls.ts';
import { issueAlone } from '../../lib/base/tls.ts';
import { Load } from './load.ts';

/** A server that does nothing, beside what is measured: bare node:https or bare koa, in a thread of its own. */
async function bareServer(
  kind: 'node' | 'koa',
  identity: Identity,
): Promise<{ url: string; stop: () => Promise<unknown> }> {
  const worker = new Worker(new URL('./bare.mjs', import.meta.url), {
    workerData: { kind, identity },
    execArgv: [],
  });
  const port = await new Promise<number>((resolve, reject) =>
    worker.once('message', resolve).once('error', reject),
  );
  return { url: `https://127.0.0.1:${port}`, stop: () => worker.terminate() };
}

/** What this machine can do at best: requests per second of bare servers, and durable commits per second of SQLite. */
export async function limits(count: number) {
  const identity = await issueAlone('127.0.0.1', 24 * 3600);
  const rates: Record<string, { version: number; info: number }> = {};
  for (const kind of ['node', 'koa'] as const) {
    const { url, stop } = await bareServer(kind, identity);
    const load = new Load(url, 16);
    await load.rate(200, 16, () => load.ask('GET', '/version'));
    rates[kind] = {
      version: await load.rate(count, 16, () => load.ask('GET', '/version')),
      info: await load.rate(count, 16, () => load.ask('GET', '/2/info')),
    };
    load.close();
    await stop();
  }
  return { node: rates.node, koa: rates.koa, commitsPerSecond: await commits(count) };
}

async function commits(count: number): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'merapi-bench-'));
  try {
    const database = new Database(join(folder, 'limit.db'));
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, body TEXT)');
    const insert = database.prepare('INSERT INTO t (body) VALUES (?)');
    const begin = performance.now();
    for (let number = 0; number < count; number++) insert.run('x'.repeat(500));
    const rate = (count * 1000) / (performance.now() - begin);
    database.close();
    return rate;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
