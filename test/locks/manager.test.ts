import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate as settle } from 'node:timers/promises';
import { type Grant, type GrantedLock, LockManager } from '../../lib/locks/manager.ts';
import { ALL, type LockLevel, type LockMode, type LockPlan } from '../../lib/model/locks.ts';

const now = { priority: 0, age: 1 };

function wish(level: LockLevel, names: readonly string[] | typeof ALL, mode: LockMode): LockPlan {
  return [{ level, names, mode }];
}

interface Request {
  grant?: Grant;
}

/** Starts to acquire; there is no grant until it is given. */
function ask(manager: LockManager, owner: string, plan: LockPlan, options: Partial<typeof now> = {}) {
  const request: Request = {};
  manager.acquire(owner, plan, { ...now, ...options }).then((grant) => {
    request.grant = grant;
  });
  return request;
}

const has = (request: Request) => request.grant !== undefined;
const finish = (request: Request) => request.grant?.release();
const text = (locks: readonly GrantedLock[]) =>
  locks.map(({ level, name, mode }) => `${level}/${name} ${mode}`).join(', ');

describe('LockManager', () => {
  it('grants in the order of levels and names, each lock once in its strongest mode', async () => {
    const manager = new LockManager();
    const plan: LockPlan = [
      ...wish('node', ['n2', 'n1', 'n2'], 'shared'),
      ...wish('node', ['n2'], 'exclusive'),
      ...wish('cluster', ['BGL'], 'shared'),
    ];
    const grant = await manager.acquire('a', plan, now);
    assert.equal(text(grant.locks), 'cluster/BGL shared, node/n1 shared, node/n2 exclusive');
    grant.release();
    assert.equal(manager.size, 0);
  });

  it('lets ALL and single names exclude each other', async () => {
    const manager = new LockManager();
    const single = await manager.acquire('single', wish('node', ['n1'], 'exclusive'), now);
    const reader = ask(manager, 'reader', wish('node', ALL, 'shared'));
    const elsewhere = ask(manager, 'elsewhere', wish('instance', ALL, 'exclusive'));
    await settle();
    assert.ok(!has(reader));
    assert.ok(has(elsewhere));
    single.downgrade('node');
    await settle();
    assert.ok(has(reader), 'a shared name is compatible with ALL shared');
    const writer = ask(manager, 'writer', wish('node', ['n2'], 'exclusive'));
    await settle();
    assert.ok(!has(writer));
    finish(reader);
    await settle();
    assert.ok(has(writer));
  });

  it('lets one owner hold ALL shared with a name exclusive', async () => {
    const manager = new LockManager();
    const plan = [...wish('node', ALL, 'shared'), ...wish('node', ['n1'], 'exclusive')];
    const grant = await manager.acquire('a', plan, now);
    const second = ask(manager, 'b', wish('node', ['n2'], 'shared'));
    const third = ask(manager, 'c', wish('node', ['n1'], 'shared'));
    const fourth = ask(manager, 'd', wish('node', ALL, 'shared'));
    await settle();
    assert.ok(has(second));
    assert.ok(!has(third));
    assert.ok(!has(fourth));
    grant.downgrade('node', ['n1']);
    await settle();
    assert.ok(has(third) && has(fourth));
    assert.equal(text(grant.locks), 'node/* shared');
  });

  it('never lets a shared request overtake an exclusive one before it', async () => {
    const manager = new LockManager();
    const first = await manager.acquire('first', wish('node', ['n1'], 'shared'), now);
    const writer = ask(manager, 'writer', wish('node', ['n1'], 'exclusive'));
    const late = ask(manager, 'late', wish('node', ['n1'], 'shared'), { age: 2 });
    const urgent = ask(manager, 'urgent', wish('node', ['n1'], 'shared'), { priority: -10, age: 3 });
    await settle();
    assert.ok(!has(writer));
    assert.ok(!has(late));
    assert.ok(has(urgent), 'a better priority stands before the exclusive one');
    first.release();
    finish(urgent);
    await settle();
    assert.ok(has(writer));
    assert.ok(!has(late));
    finish(writer);
    await settle();
    assert.ok(has(late));
  });

  it('keeps an exclusive name before a later ALL shared, even when ALL shared could be had', async () => {
    const manager = new LockManager();
    const first = await manager.acquire('first', wish('node', ALL, 'shared'), now);
    const second = await manager.acquire('second', wish('node', ALL, 'shared'), now);
    const writer = ask(manager, 'writer', wish('node', ['n1'], 'exclusive'));
    const late = ask(manager, 'late', wish('node', ALL, 'shared'), { age: 2 });
    const harmless = ask(manager, 'harmless', wish('node', ['n2'], 'shared'), { age: 3 });
    first.release();
    await settle();
    assert.ok(!has(writer) && !has(late));
    second.release();
    await settle();
    assert.ok(has(writer) && !has(late));
    assert.ok(has(harmless));
  });

  it('serves by priority, then age, then arrival', async () => {
    const manager = new LockManager();
    const plan = wish('instance', ['i'], 'exclusive');
    const holder = await manager.acquire('holder', plan, now);
    const order: string[] = [];
    const wanted: [string, number, number][] = [
      ['late', 0, 9],
      ['old', 0, 2],
      ['low', 10, 1],
      ['high', -10, 8],
      ['old-too', 0, 2],
    ];
    const all = wanted.map(async ([owner, priority, age]) => {
      const grant = await manager.acquire(owner, plan, { priority, age });
      order.push(owner);
      grant.release();
    });
    holder.release();
    await Promise.all(all);
    assert.deepEqual(order, ['high', 'old', 'old-too', 'late', 'low']);
  });

  it('tells the state of each lock', async () => {
    const manager = new LockManager();
    await manager.acquire('a', wish('node', ['n1'], 'shared'), now);
    ask(manager, 'b', wish('node', ['n1'], 'exclusive'));
    assert.deepEqual(manager.inspect(), [
      {
        level: 'node',
        name: 'n1',
        mode: 'shared',
        owners: [{ owner: 'a', mode: 'shared', partial: false }],
        pending: [{ owner: 'b', mode: 'exclusive', partial: false }],
      },
    ]);
    ask(manager, 'c', wish('node', ALL, 'exclusive'));
    assert.deepEqual(
      manager.inspect().find((lock) => lock.name === ALL),
      {
        level: 'node',
        name: ALL,
        mode: null,
        owners: [
          { owner: 'a', mode: 'shared', partial: true },
          { owner: 'b', mode: 'exclusive', partial: true },
        ],
        pending: [{ owner: 'c', mode: 'exclusive', partial: false }],
      },
    );
  });

  it('takes back all that an aborted request had', async () => {
    const manager = new LockManager();
    const holder = await manager.acquire('holder', wish('node', ['n2'], 'exclusive'), now);
    const abort = new AbortController();
    const plan = [...wish('instance', ['i'], 'exclusive'), ...wish('node', ['n1', 'n2'], 'exclusive')];
    const waiting = manager.acquire('waiting', plan, { ...now, signal: abort.signal });
    const behind = ask(manager, 'behind', wish('instance', ['i'], 'exclusive'));
    await settle();
    assert.ok(!has(behind));
    const reason = new Error('canceled');
    abort.abort(reason);
    await assert.rejects(waiting, (error) => error === reason);
    assert.ok(has(behind));
    finish(behind);
    holder.release();
    assert.equal(manager.size, 0);
    await assert.rejects(
      manager.acquire('again', plan, { ...now, signal: abort.signal }),
      (error) => error === reason,
    );
    assert.equal(manager.size, 0);
  });

  it('pays no heed to an abort after the grant', async () => {
    const manager = new LockManager();
    const abort = new AbortController();
    const grant = await manager.acquire('a', wish('node', ['n1'], 'exclusive'), {
      ...now,
      signal: abort.signal,
    });
    abort.abort();
    assert.equal(text(grant.locks), 'node/n1 exclusive');
  });

  it('releases a level or names, and refuses what is not held', async () => {
    const manager = new LockManager();
    const plan = [...wish('instance', ['i'], 'exclusive'), ...wish('node', ['n1', 'n2'], 'exclusive')];
    const grant = await manager.acquire('a', plan, now);
    assert.throws(() => grant.release('node', ['n3']), { code: 'internal_error', message: /n3/ });
    assert.throws(() => grant.release('node', [ALL]), { code: 'internal_error' });
    assert.throws(() => grant.downgrade('network', ['x']), { code: 'internal_error' });
    grant.release('node', ['n1']);
    assert.equal(text(grant.locks), 'instance/i exclusive, node/n2 exclusive');
    grant.release('node');
    assert.equal(text(grant.locks), 'instance/i exclusive');
    grant.release();
    grant.release();
    assert.deepEqual(grant.locks, []);
    assert.equal(manager.size, 0);
  });

  it('does not touch a later grant of the same owner when an old one is released again', async () => {
    const manager = new LockManager();
    const old = await manager.acquire('a', wish('node', ['n1'], 'exclusive'), now);
    old.release();
    const fresh = await manager.acquire('a', wish('node', ['n1'], 'exclusive'), now);
    old.release();
    old.downgrade('node');
    assert.equal(text(fresh.locks), 'node/n1 exclusive');
    const other = ask(manager, 'b', wish('node', ['n1'], 'shared'));
    await settle();
    assert.ok(!has(other));
  });

  it('refuses an owner that already holds or waits, which could end in a circle', async () => {
    const manager = new LockManager();
    await manager.acquire('a', wish('node', ['n1'], 'exclusive'), now);
    await assert.rejects(manager.acquire('a', wish('instance', ['i'], 'shared'), now), {
      code: 'internal_error',
    });
    ask(manager, 'b', wish('node', ['n1'], 'exclusive'));
    await assert.rejects(manager.acquire('b', [], now), { code: 'internal_error' });
  });

  it('grants an empty plan at once and keeps nothing of it', async () => {
    const manager = new LockManager();
    for (let turn = 0; turn < 2; turn += 1) {
      const grant = await manager.acquire('a', [], now);
      assert.deepEqual(grant.locks, []);
    }
  });

  it('grants a stored set again, at once or not at all', async () => {
    const before = new LockManager();
    const plan = [...wish('node', ALL, 'shared'), ...wish('node', ['n1'], 'exclusive')];
    const stored = JSON.parse(JSON.stringify((await before.acquire('a', plan, now)).locks));
    const manager = new LockManager();
    const grant = manager.regrant('a', stored);
    assert.deepEqual(grant.locks, stored);
    const waiting = ask(manager, 'b', wish('node', ['n1'], 'shared'));
    await settle();
    assert.ok(!has(waiting));
    const clash: GrantedLock[] = [
      { level: 'instance', name: 'i', mode: 'exclusive' },
      { level: 'node', name: 'n2', mode: 'exclusive' },
    ];
    assert.throws(() => manager.regrant('c', clash), { code: 'internal_error', message: /node\/\*/ });
    assert.throws(() => manager.regrant('a', []), { code: 'internal_error' });
    grant.release();
    await settle();
    finish(waiting);
    assert.equal(manager.size, 0);
  });
});
