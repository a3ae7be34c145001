import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  compareNames,
  expandName,
  givenName,
  hostName,
  LONGEST_NAME,
  nodeName,
} from '../../lib/model/names.ts';

describe('givenName', () => {
  it('takes "none" in any case, and no text, for no name', () => {
    for (const none of ['none', 'None', 'NONE', 'nOnE', '', null, undefined])
      assert.equal(givenName(none), null);
    for (const name of ['nonesuch', 'lan', ' none'] as const) assert.equal(givenName(name), name);
    assert.equal(givenName(7), '7');
  });
});

describe('hostName', () => {
  it('gives the proper form', () => {
    const names: [string, string][] = [
      ['Web1.Example.COM', 'web1.example.com'],
      ['web1.example.com.', 'web1.example.com'],
      ['a', 'a'],
      ['my_host', 'my_host'],
      [`${'a'.repeat(63)}.b`, `${'a'.repeat(63)}.b`],
    ];
    for (const [text, name] of names) assert.equal(hostName(text), name);
  });

  it('refuses what cannot be a host name', () => {
    const bad = ['', '.', 'a..b', '-a', 'a-', 'a b', 'ä', '../x', 'a/b', 'a'.repeat(64), 'a\n'];
    bad.push(Array(130).fill('a').join('.'), '3b241101-e2bb-4255-8caf-4136c566a962', `${'a.'.repeat(120)}b`);
    for (const text of bad) assert.throws(() => hostName(text), { code: 'wrong_input' }, text);
  });

  it('leaves its own result as it is', () => {
    fc.assert(
      fc.property(fc.domain(), (domain) => {
        fc.pre(domain.length <= LONGEST_NAME);
        const name = hostName(domain);
        assert.equal(hostName(name), name);
      }),
    );
  });
});

describe('nodeName', () => {
  it('is a host name, but that of no role', () => {
    assert.equal(nodeName('Node1.'), 'node1');
    for (const text of ['master', 'MASTER', 'ca', 'api', 'rapi.'])
      assert.throws(() => nodeName(text), { code: 'wrong_input', message: /is a role/ }, text);
    assert.equal(nodeName('master.example.com'), 'master.example.com');
  });
});

describe('expandName', () => {
  const names = ['web.example.com', 'web.example.org', 'db.example.com', 'db2.example.com', 'db.example'];

  it('finds the name itself, in any letter case, before anything that begins with it', () => {
    assert.equal(expandName('WEB.example.COM', names), 'web.example.com');
    assert.equal(expandName('db.example', names), 'db.example');
  });

  it('expands at a dot only, and only when one name is meant', () => {
    assert.equal(expandName('db2', names), 'db2.example.com');
    assert.equal(expandName('web', names), null);
    assert.equal(expandName('we', names), null);
    assert.equal(expandName('db2.example.c', names), null);
    assert.equal(expandName('', names), null);
    assert.equal(expandName('web', []), null);
  });
});

describe('compareNames', () => {
  it('sorts numbers within names by their value', () => {
    const names = ['node10', 'node2', 'node1.b', 'node1.a', 'node1'];
    assert.deepEqual(names.sort(compareNames), ['node1', 'node1.a', 'node1.b', 'node2', 'node10']);
  });

  it('tells different names apart', () => {
    assert.ok(compareNames('node01', 'node1') < 0);
    assert.ok(compareNames('node1', 'node01') > 0);
    fc.assert(
      fc.property(fc.domain(), fc.domain(), (a, b) => {
        assert.equal(compareNames(hostName(a), hostName(b)) === 0, hostName(a) === hostName(b));
      }),
    );
  });
});
