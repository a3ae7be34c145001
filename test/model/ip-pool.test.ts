import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  contains,
  firstFree,
  ipNumber,
  ipText,
  poolUse,
  range4,
  sortedAddresses,
} from '../../lib/model/ip-pool.ts';
import type { Network } from '../../lib/model/network.ts';

const number = fc.nat(2 ** 32 - 1);
const network = (text: string, reservations: string[] = []) =>
  ({ name: 'net', network: text, reservations }) as unknown as Network;

describe('IPv4 addresses and pools', () => {
  it('addresses are numbers and back', () =>
    fc.assert(fc.property(number, (value) => assert.equal(ipNumber(ipText(value)), value))));

  it('texts that are no addresses or networks are none', () => {
    for (const text of ['', '1.2.3', '1.2.3.256', '1.2.3.4.5', 'a.b.c.d', '1.2.3.-4', ' 1.2.3.4'])
      assert.equal(ipNumber(text), null, text);
    for (const text of ['1.2.3.4', '1.2.3.4/33', '1.2.3/24', '1.2.3.4/', '/24', '1.2.3.4/x'])
      assert.equal(range4(text), null, text);
  });

  it('a network has as many addresses as its prefix says, its own among them', () =>
    fc.assert(
      fc.property(number, fc.integer({ min: 0, max: 32 }), (value, prefix) => {
        const range = range4(`${ipText(value)}/${prefix}`) ?? assert.fail();
        assert.equal(range.last - range.first + 1, 2 ** (32 - prefix));
        assert.ok(range.first <= value && value <= range.last);
        assert.equal(range.first % 2 ** (32 - prefix), 0);
        assert.ok(contains(network(`${ipText(value)}/${prefix}`), ipText(value)));
      }),
    ));

  it('the pool gives each free address once, the smallest first, and its map agrees', () =>
    fc.assert(
      fc.property(fc.integer({ min: 26, max: 30 }), fc.array(fc.nat(63)), (prefix, places) => {
        const range = range4(`192.0.2.64/${prefix}`) ?? assert.fail();
        const size = range.last - range.first + 1;
        const reserved = [...new Set(places.map((place) => ipText(range.first + (place % size))))];
        const net = network(`192.0.2.64/${prefix}`, reserved);
        const taken = new Set<string>();
        for (let ip = firstFree(net, (each) => taken.has(each)); ip !== null; ) {
          assert.ok(!reserved.includes(ip) && contains(net, ip));
          taken.add(ip);
          const { free, map } = poolUse(net, taken);
          assert.equal(free, size - reserved.length - taken.size);
          assert.equal(map.length, size);
          ip = firstFree(net, (each) => taken.has(each));
        }
        assert.deepEqual([...taken], sortedAddresses(taken));
        assert.deepEqual(poolUse(net, taken), { free: 0, reserved: size, map: 'X'.repeat(size) });
      }),
      { numRuns: 30 },
    ));
});
