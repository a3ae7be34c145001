import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  boundaryAddresses,
  contains,
  firstFree,
  ipNumber,
  ipText,
  poolUse,
  range4,
  sortedAddresses,
} from '../../lib/model/ip-pool.ts';
import { aNetwork } from '../helpers/view.ts';

/** A network of a size that is quickly walked, with places in it (0 is its first address) that are reserved or taken. */
const pool = fc
  .record({ first: fc.nat(2 ** 32 - 1), prefix: fc.integer({ min: 22, max: 30 }) })
  .chain(({ first, prefix }) => {
    const places = fc.uniqueArray(fc.nat(2 ** (32 - prefix) - 1), { maxLength: 40 });
    return fc.record({ text: fc.constant(`${ipText(first)}/${prefix}`), reserved: places, taken: places });
  });

describe('model/ip-pool', () => {
  it('reads addresses and networks', () => {
    assert.equal(ipNumber('255.255.255.255'), 2 ** 32 - 1);
    for (const text of ['1.2.3', '1.2.3.256', '1.2.3.4.5', '::1', '1.2.3.-4', ''])
      assert.equal(ipNumber(text), null);
    assert.deepEqual(range4('192.0.2.77/28'), { first: 3221226048, last: 3221226063, prefix: 28 });
    assert.deepEqual(range4('0.0.0.0/0'), { first: 0, last: 2 ** 32 - 1, prefix: 0 });
    for (const text of ['192.0.2.0', '192.0.2.0/33', '192.0.2.300/28', '192.0.2.0/', '2001:db8::/64', '/24'])
      assert.equal(range4(text), null, text);
    fc.assert(fc.property(fc.nat(2 ** 32 - 1), (number) => assert.equal(ipNumber(ipText(number)), number)));
  });

  it('sorts addresses by their numbers', () => {
    assert.deepEqual(sortedAddresses(['192.0.2.10', '192.0.2.9', '10.0.0.1', '192.0.2.9']), [
      '10.0.0.1',
      '192.0.2.9',
      '192.0.2.10',
    ]);
  });

  it('counts each address once, and gives the smallest that is free', () => {
    fc.assert(
      fc.property(pool, ({ text, reserved, taken }) => {
        const range = range4(text);
        assert.ok(range);
        const size = range.last - range.first + 1;
        const at = (place: number) => ipText(range.first + place);
        const network = aNetwork('lan', { network: text, reservations: reserved.map(at) });
        const used = new Set([...reserved, ...taken]);
        const { map, free, reserved: count } = poolUse(network, [...taken.map(at), ipText(range.last + 1)]);
        assert.equal(map, Array.from({ length: size }, (_, place) => (used.has(place) ? 'X' : '.')).join(''));
        assert.deepEqual([free, count], [size - used.size, used.size]);
        const isTaken = (ip: string) => taken.map(at).includes(ip);
        const next = map.indexOf('.');
        assert.equal(firstFree(network, isTaken), next < 0 ? null : at(next));
        assert.deepEqual(boundaryAddresses(range), [at(0), at(size - 1)]);
        assert.ok(contains(network, at(0)) && contains(network, at(size - 1)));
        if (range.last < 2 ** 32 - 1) assert.ok(!contains(network, ipText(range.last + 1)));
        if (range.first > 0) assert.ok(!contains(network, ipText(range.first - 1)));
      }),
    );
  });

  it('hands out every address of a pool once', () => {
    const network = aNetwork('lan', { network: '192.0.2.0/27' });
    const given = new Set<string>();
    for (;;) {
      const ip = firstFree(network, (each) => given.has(each));
      if (ip === null) break;
      given.add(ip);
    }
    assert.equal(given.size, 32 - network.reservations.length);
    assert.equal(poolUse(network, given).free, 0);
  });

  it('copes with the biggest pool', () => {
    const network = aNetwork('lan', { network: '10.1.0.0/16', reservations: ['10.1.0.0', '10.1.255.255'] });
    assert.equal(poolUse(network, ['10.1.0.1']).free, 65_533);
    assert.equal(
      firstFree(network, (ip) => ip !== '10.1.255.254'),
      '10.1.255.254',
    );
  });
});
