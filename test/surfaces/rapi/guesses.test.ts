import assert from 'node:assert/strict';
import http from 'node:http';
import { type TestContext, test } from 'node:test';
import { pino } from 'pino';
import { systemClock } from '../../../lib/base/clock.ts';
import { silentLogger } from '../../../lib/base/log.ts';
import { GuessLimiter, type GuessOptions, guessOptions } from '../../../lib/surfaces/rapi/guesses.ts';
import { serve, type TestServer } from './fixture.ts';

interface Line {
  msg: string;
  address: string;
  user: string;
  count: number;
}

async function start(
  t: TestContext,
  over: Partial<GuessOptions>,
): Promise<{ server: TestServer; lines: Line[] }> {
  const lines: Line[] = [];
  const log = pino({}, { write: (line: string) => lines.push(JSON.parse(line)) });
  const server = await serve({ guesses: { ...guessOptions, ...over }, log });
  t.after(() => server.close());
  return { server, lines };
}

/** Asks on a connection of its own; the status. */
function from(localAddress: string, port: number, auth: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { port, host: '127.0.0.1', localAddress, auth, path: '/2/info', agent: false };
    http
      .get(options, (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      })
      .on('error', reject);
  });
}

test('each wrong password makes the next refusal later, up to the longest delay', async () => {
  const guesses = new GuessLimiter(silentLogger, systemClock, {
    ...guessOptions,
    firstDelay: 4,
    longestDelay: 40,
  });
  const times: number[] = [];
  const alive = setTimeout(() => undefined, 60_000); // delays keep no process alive
  for (let count = 0; count < 6; count++) {
    const begin = performance.now();
    guesses.admit('198.51.100.7', 'admin');
    await guesses.recordFailure('198.51.100.7', 'admin');
    times.push(performance.now() - begin);
  }
  for (const [index, least] of [4, 8, 16, 32, 40, 40].entries())
    assert.ok((times[index] as number) >= least - 1.5, `${times[index]} of ${index}`);
  assert.equal(guesses.wrong, 6);
  clearTimeout(alive);
});

test('thousands of guesses at once are not looked at; the right password counts from elsewhere, at once', async (t) => {
  const { server, lines } = await start(t, { firstDelay: 300_000, longestDelay: 300_000 });
  // The few that are looked at are kept waiting until the end of the test.
  const waiting = Array.from({ length: guessOptions.ofUser }, (_, n) =>
    from('127.0.0.2', server.port, `admin:wrong${n}`).catch(() => 0),
  );
  const admin = async () => (await server.ask('GET', '/2/traffic')).json as Record<string, number>;
  while (((await admin()).wrong_passwords ?? 0) < guessOptions.ofUser) await new Promise(setImmediate);
  for (let round = 0; round < 10; round++) {
    const statuses = Array.from({ length: 50 }, (_, n) => from('127.0.0.2', server.port, `admin:guess${n}`));
    assert.deepEqual(new Set(await Promise.all(statuses)), new Set([503]));
  }
  assert.equal(
    await from('127.0.0.2', server.port, 'admin:se:cret'),
    503,
    'right ones are not looked at either',
  );
  assert.equal(await from('127.0.0.2', server.port, 'reader:foo'), 200, 'another user of that address');
  assert.equal(await from('127.0.0.3', server.port, 'admin:se:cret'), 200, 'the user from another address');
  const traffic = await admin();
  assert.deepEqual([traffic.wrong_passwords, traffic.refused_passwords], [guessOptions.ofUser, 501]);
  assert.ok((traffic.connections as number) <= guessOptions.ofUser + 2);
  assert.deepEqual(
    lines.map(({ msg, address, user, count }) => [msg, address, user, count]),
    [
      ['Wrong password', '127.0.0.2', 'admin', 1],
      ['Wrong password', '127.0.0.2', 'admin', 5],
    ],
  );
  assert.doesNotMatch(JSON.stringify(lines), /wrong\d|guess\d/);
  await server.close();
  assert.deepEqual(new Set(await Promise.all(waiting)), new Set([0]));
});

test('a right password forgets the wrong ones before', async (t) => {
  const { server, lines } = await start(t, { firstDelay: 1 });
  for (let round = 0; round < 4; round++) {
    assert.equal(await from('127.0.0.2', server.port, 'admin:wrong'), 401);
    assert.equal(await from('127.0.0.2', server.port, 'admin:se:cret'), 200);
  }
  assert.deepEqual(
    lines.map(({ count }) => count),
    [1, 1, 1, 1],
  );
});

test('many users from one address are slowed down together', async () => {
  const options = { ...guessOptions, firstDelay: 100_000, longestDelay: 100_000, held: 0 };
  const guesses = new GuessLimiter(silentLogger, systemClock, options);
  for (let count = 0; count < options.ofAddress; count++) {
    guesses.admit('198.51.100.7', `user${count}`);
    await guesses.recordFailure('198.51.100.7', `user${count}`);
  }
  assert.throws(() => guesses.admit('198.51.100.7', 'another'), { code: 'unavailable' });
  guesses.admit('198.51.100.8', 'another');
});

test('the table and the log stay small, whatever names are tried', async () => {
  const lines: string[] = [];
  const log = pino({}, { write: (line: string) => lines.push(line) });
  const options = { ...guessOptions, firstDelay: 0, held: 0, records: 50, lines: 5, logTime: 1e9 };
  const guesses = new GuessLimiter(log, systemClock, options);
  const names = Array.from({ length: 500 }, (_, n) => `${n}\n\u001b[2J"${'x'.repeat(5000)}`);
  for (const name of names) await guesses.recordFailure('198.51.100.7', name);
  assert.equal(guesses.remembered, 50);
  assert.equal(lines.length, 5);
  for (const line of lines) {
    assert.ok(line.length < 400);
    const { user } = JSON.parse(line) as Line;
    assert.match(user, /^\d\\u000a\\u001b\[2J"x+…$/);
  }
});
