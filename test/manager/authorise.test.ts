import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Action, authorise, mayDo, type Principal, SYSTEM } from '../../lib/manager/authorise.ts';

const anonymous: Principal = { name: null, rights: [] };
const plain: Principal = { name: 'guest', rights: [] };
const reader: Principal = { name: 'reader', rights: ['read'] };
const writer: Principal = { name: 'writer', rights: ['write'] };

describe('authorise', () => {
  it('lets everybody look, users with a right read, and only those with write change', () => {
    const table: [Principal, Record<Action, boolean>][] = [
      [anonymous, { look: true, read: false, write: false }],
      [plain, { look: true, read: false, write: false }],
      [reader, { look: true, read: true, write: false }],
      [writer, { look: true, read: true, write: true }],
      [SYSTEM, { look: true, read: true, write: true }],
    ];
    for (const [principal, actions] of table)
      for (const [action, isAllowed] of Object.entries(actions) as [Action, boolean][]) {
        assert.equal(mayDo(principal, action, 'instance/web'), isAllowed, `${principal.name} ${action}`);
        const attempt = () => authorise(principal, action, 'instance/web');
        if (isAllowed) attempt();
        else assert.throws(attempt, { code: 'forbidden' });
      }
  });

  it('says who may not do what', () => {
    assert.throws(() => authorise(reader, 'write', 'job/3'), { message: 'reader may not write job/3' });
    assert.throws(() => authorise(anonymous, 'read', 'job/3'), {
      message: 'An anonymous user may not read job/3',
    });
  });
});
