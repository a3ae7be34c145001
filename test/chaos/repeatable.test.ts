import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../helpers/random.ts';
import { nextFault, rates } from './faults.ts';
import { Requests } from './requests.ts';

const nodes = ['node1.example.com', 'node2.example.com', 'node3.example.com'];
const requestsOf = (seed: string) => {
  const requests = new Requests(new Random(seed), 1, nodes);
  return Array.from({ length: 300 }, () => requests.next());
};
const faultsOf = (seed: string) => {
  const random = new Random(seed);
  return Array.from({ length: 300 }, () => nextFault(random, nodes.length, 500));
};

describe('the sequences of a chaos run', () => {
  it('come from the seed alone', () => {
    assert.deepEqual(requestsOf('7'), requestsOf('7'));
    assert.deepEqual(faultsOf('7'), faultsOf('7'));
    assert.notDeepEqual(requestsOf('7'), requestsOf('8'));
    assert.notDeepEqual(faultsOf('7'), faultsOf('8'));
  });

  it('hold every kind of request and of fault', () => {
    const ops = new Set(requestsOf('7').flatMap((request) => ('ops' in request ? request.ops : ['cancel'])));
    for (const op of [
      'OP_INSTANCE_CREATE',
      'OP_INSTANCE_MIGRATE',
      'OP_BACKUP_EXPORT',
      'OP_NODE_SET_PARAMS',
      'cancel',
    ])
      assert.ok(ops.has(op), op);
    assert.deepEqual([...new Set(faultsOf('7').map(({ kind }) => kind))].sort(), Object.keys(rates).sort());
  });

  it('do not depend on what others have drawn', () => {
    const one = new Random('7');
    const other = new Random('7');
    other.next();
    assert.equal(one.fork('faults').next(), other.fork('faults').next());
  });
});
