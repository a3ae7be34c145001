import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { nodeRole, roleNames } from '../../lib/model/node.ts';
import { changed, newObject } from '../../lib/model/object.ts';
import { aNode } from '../helpers/view.ts';

describe('objects', () => {
  it('start with serial number 1 and go on with each change, the old one staying as it was', () => {
    const first = { ...newObject('uuid-1', 5.5), name: 'a' };
    Object.freeze(first);
    assert.deepEqual(first, { uuid: 'uuid-1', ctime: 5.5, mtime: 5.5, serial_no: 1, name: 'a' });
    const second = changed(first, { name: 'b' }, 7.25);
    assert.deepEqual(second, { uuid: 'uuid-1', ctime: 5.5, mtime: 7.25, serial_no: 2, name: 'b' });
  });
});

describe('nodeRole', () => {
  it('is the first that fits of master, offline, drained, candidate, regular', () => {
    const bad = { offline: true, drained: true };
    assert.equal(nodeRole(aNode('n', bad), 'n-uuid'), 'M');
    assert.equal(nodeRole(aNode('n', bad), 'other'), 'O');
    assert.equal(nodeRole(aNode('n', { drained: true }), 'other'), 'D');
    assert.equal(nodeRole(aNode('n'), 'other'), 'C');
    assert.equal(nodeRole(aNode('n', { master_candidate: false }), 'other'), 'R');
    assert.deepEqual(Object.values(roleNames), [
      'master',
      'master-candidate',
      'regular',
      'drained',
      'offline',
    ]);
  });
});
