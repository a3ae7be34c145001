import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CALLS_AT_ONCE, CallOrder, Fence, Numbering } from '../../lib/rpc/order.ts';

/** One call of a master: what it sends, and whether the master still waits for it. */
interface Call {
  life: number;
  order: CallOrder;
  end: () => void;
  isOpen: boolean;
}

/** Begins a call that lasts until `end`. */
function begin(numbering: Numbering, life: number): Call {
  const call: Partial<Call> = { life, isOpen: true };
  void numbering.during('node', (order) => {
    call.order = order;
    return new Promise<void>((resolve) => {
      call.end = resolve;
    });
  });
  return call as Call;
}

const passes = (fence: Fence, order: CallOrder) => {
  try {
    fence.pass(order);
    return true;
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'unavailable');
    return false;
  }
};

describe('order of calls', () => {
  it('lets every call pass that the newest master waits for, and none that has ended before a later one has come', async () => {
    const move = fc.oneof(
      fc.constant({ do: 'begin' as const }),
      fc.record({ do: fc.constant('end' as const), at: fc.nat(20) }),
      fc.record({ do: fc.constant('arrive' as const), at: fc.nat(20) }),
      fc.constant({ do: 'restart' as const }),
    );
    let [passed, refused] = [0, 0];
    await fc.assert(
      fc.asyncProperty(fc.array(move, { minLength: 10, maxLength: 60 }), async (moves) => {
        const fence = new Fence();
        let life = 1;
        let numbering = new Numbering(life);
        const calls: Call[] = [];
        /** The calls that had ended for the master when some call began that has arrived since. */
        const gone = new Set<Call>();
        const endedBefore = new Map<Call, Call[]>();
        for (const step of moves) {
          if (step.do === 'begin') {
            const call = begin(numbering, life);
            endedBefore.set(
              call,
              calls.filter((other) => !other.isOpen || other.life < life),
            );
            calls.push(call);
          } else if (step.do === 'restart') {
            numbering = new Numbering(++life);
          } else if (step.do === 'end') {
            const call = calls[step.at % Math.max(calls.length, 1)];
            if (!call?.isOpen) continue;
            call.isOpen = false;
            call.end();
            await new Promise(setImmediate);
          } else {
            const call = calls[step.at % Math.max(calls.length, 1)];
            if (!call) continue;
            const hasPassed = passes(fence, call.order);
            if (call.isOpen && call.life === life) assert.ok(hasPassed, 'one that is waited for');
            if (gone.has(call)) assert.ok(!hasPassed, 'one that is late');
            if (hasPassed) {
              passed++;
              for (const other of endedBefore.get(call) ?? []) gone.add(other);
            } else refused++;
          }
        }
      }),
      { numRuns: 1000 },
    );
    assert.ok(passed > 100 && refused > 10, `${passed} passed, ${refused} refused`);
  });

  it('refuses a call that was given up, also while an older one goes on', async () => {
    const numbering = new Numbering(1);
    const fence = new Fence();
    const [first, second] = [begin(numbering, 1), begin(numbering, 1)];
    second.end(); // it is given up, and its step is undone by the third
    await new Promise(setImmediate);
    const third = begin(numbering, 1);
    assert.ok(passes(fence, third.order));
    assert.ok(!passes(fence, second.order), 'the one that was given up');
    assert.ok(passes(fence, first.order), 'the one that goes on');
  });

  it('says of each call to the same node which older ones go on', async () => {
    const numbering = new Numbering(1);
    const orders: CallOrder[] = [];
    await numbering.during('a', async () => {
      await numbering.during('b', async (order) => orders.push(order));
      await numbering.during('a', async (order) => orders.push(order));
    });
    await numbering.during('a', async (order) => orders.push(order));
    assert.deepEqual(
      orders.map(({ number, open }) => [number, open]),
      [
        [2, []],
        [3, [1]],
        [4, []],
      ],
    );
  });

  it('lets no more calls to a node be under way than an order can name, and the others wait for their turn', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.option(fc.nat(10)), { maxLength: 40 }),
        async (limit, moves) => {
          const numbering = new Numbering(1, limit);
          const begun: { place: number; end: () => void }[] = [];
          const open = new Set<number>();
          const calls: Promise<void>[] = [];
          const finish = (index: number) => {
            const call = begun.filter(({ place }) => open.has(place))[index];
            if (call) open.delete(call.place);
            call?.end();
          };
          for (const move of moves) {
            const place = calls.length;
            if (move === null)
              calls.push(
                numbering.during('node', (order) => {
                  assert.ok(order.open.length < limit, `${order.open.length} are open`);
                  open.add(place);
                  return new Promise<void>((end) => begun.push({ place, end }));
                }),
              );
            else finish(move);
            if (move === null || move % 2 === 0) await new Promise(setImmediate);
            assert.ok(open.size <= limit);
          }
          while (begun.length < calls.length || open.size > 0) {
            finish(0);
            await new Promise(setImmediate);
          }
          await Promise.all(calls);
          assert.deepEqual(
            begun.map(({ place }) => place),
            calls.map((_, place) => place),
          );
        },
      ),
    );
    const most = { epoch: 1, number: 5000, open: Array.from({ length: CALLS_AT_ONCE }, (_, index) => index) };
    assert.ok(CallOrder.safeParse(most).success);
    assert.ok(!CallOrder.safeParse({ ...most, open: [...most.open, 1000] }).success, 'longer than any is');
  });
});
