import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sameForAll } from '../../lib/access/policy.ts';
import { ANONYMOUS, type Principal } from '../../lib/access/principal.ts';
import type { Action } from '../../lib/model/access.ts';

const plain: Principal = { name: 'guest', rights: [] };
const reader: Principal = { name: 'reader', rights: ['read'] };
const writer: Principal = { name: 'writer', rights: ['write'] };

describe('the policy of the RAPI', () => {
  it('lets everybody look, users with a right read, and only those with write change', () => {
    const table: [Principal, Record<Action, boolean>][] = [
      [ANONYMOUS, { look: true, read: false, write: false }],
      [plain, { look: true, read: false, write: false }],
      [reader, { look: true, read: true, write: false }],
      [writer, { look: true, read: true, write: true }],
    ];
    for (const [principal, actions] of table)
      for (const [action, isAllowed] of Object.entries(actions) as [Action, boolean][]) {
        const what = `${principal.name} ${action}`;
        assert.equal(sameForAll.scope(principal, action), isAllowed ? 'all' : 'none', what);
        assert.equal(sameForAll.mayDo(principal, action, { kind: 'instance', id: 'web' }), isAllowed, what);
      }
  });
});
