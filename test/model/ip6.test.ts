import assert from 'node:assert/strict';
import { isIPv6 } from 'node:net';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { canonical6, contains6, ip6Number, range6 } from '../../lib/model/ip6.ts';
import { type Opcode, parseOp } from '../../lib/opcodes/define.ts';
import { opcodes } from '../../lib/opcodes/registry.ts';

/** An IPv6 address as eight groups. */
const groups = fc.array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 });
const numberOf = (parts: readonly number[]) => parts.reduce((sum, part) => sum * 65_536n + BigInt(part), 0n);
const full = (parts: readonly number[]) => parts.map((part) => part.toString(16)).join(':');

describe('IPv6 addresses', () => {
  it('are numbers, whichever way they are written, and have one form', () => {
    fc.assert(
      fc.property(groups, (parts) => {
        const text = full(parts);
        assert.equal(ip6Number(text), numberOf(parts));
        assert.equal(ip6Number(text.toUpperCase()), numberOf(parts));
        const one = canonical6(text) ?? '';
        assert.ok(isIPv6(one));
        assert.equal(ip6Number(one), numberOf(parts));
        assert.equal(canonical6(one), one);
      }),
    );
    assert.equal(ip6Number('::'), 0n);
    assert.equal(ip6Number('::1'), 1n);
    assert.equal(ip6Number('1::'), 1n << 112n);
    assert.equal(ip6Number('::ffff:192.0.2.1'), 0xffffc0000201n);
  });

  it('have no zone, and other texts are none', () => {
    for (const text of ['fe80::1%eth0', '192.0.2.1', '', ':', '1:2', '::1::', 'g::', '2001:db8::/64'])
      for (const read of [ip6Number, canonical6]) assert.equal(read(text), null, text);
  });
});

describe('IPv6 networks', () => {
  it('hold what has their prefix, and nothing is set behind it', () => {
    fc.assert(
      fc.property(groups, groups, fc.nat(128), (one, other, prefix) => {
        const behind = BigInt(128 - prefix);
        const first = (numberOf(one) >> behind) << behind;
        const range = range6(`${full(one)}/${prefix}`);
        assert.equal(range !== null, first === numberOf(one));
        if (range) {
          assert.equal(range.last - range.first, (1n << behind) - 1n);
          assert.equal(
            contains6(`${full(one)}/${prefix}`, full(other)),
            numberOf(other) >> behind === first >> behind,
          );
        }
      }),
    );
  });

  it('are refused at submission with host bits, zones and other prefixes', () => {
    const add = opcodes.OP_NETWORK_ADD as unknown as Opcode;
    const submit = (over: object) => parseOp(add, { OP_ID: add.id, ...add.example, ...over });
    submit({ network6: '2001:db8::/64', gateway6: '2001:db8::1' });
    for (const network6 of [
      '2001:db8::1/64',
      'fe80::%eth0/64',
      '2001:db8::/129',
      '2001:db8::',
      '192.0.2.0/24',
    ])
      assert.throws(
        () => submit({ network6 }),
        /'network6' must be an IPv6 network .*, e\.g\. "2001:db8::\/64", not /,
      );
    for (const gateway6 of ['fe80::1%eth0', '192.0.2.1', '2001:db8::1/64'])
      assert.throws(
        () => submit({ network6: '2001:db8::/64', gateway6 }),
        /'gateway6' must be an IPv6 address without/,
      );
  });
});
