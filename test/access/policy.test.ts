import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sameForAll } from '../../lib/access/policy.ts';
import { ANONYMOUS, type Principal } from '../../lib/access/principal.ts';
import { type Action, guestRights } from '../../lib/model/access.ts';

const plain: Principal = { name: 'guest', rights: [] };
const reader: Principal = { name: 'reader', rights: ['read'] };
const writer: Principal = { name: 'writer', rights: ['write'] };

describe('the policy of the RAPI', () => {
  it('lets everybody look, users with a right read, only those with write change, and into guests nobody without the right', () => {
    const all: Action[] = ['look', 'read', 'write', ...guestRights];
    const table: [Principal, Action[]][] = [
      [ANONYMOUS, ['look']],
      [plain, ['look']],
      [reader, ['look', 'read']],
      [writer, all],
      ...guestRights.map((right): [Principal, Action[]] => [
        { name: right, rights: ['read', right] },
        ['look', 'read', right],
      ]),
    ];
    for (const [principal, allowed] of table)
      for (const action of all) {
        const isAllowed = allowed.includes(action);
        const what = `${principal.name} ${action}`;
        assert.equal(sameForAll.scope(principal, action), isAllowed ? 'all' : 'none', what);
        assert.equal(sameForAll.mayDo(principal, action, { kind: 'instance', id: 'web' }), isAllowed, what);
      }
  });
});
